//! `capture TARGET FILE`: takes a heap snapshot without asking the policy, and says what it cost both sides.
//! A tool for measuring; the product is `leakhound capture heap`.
#![allow(clippy::print_stdout)]

use std::error::Error;
use std::path::Path;

use leakhound_capture::{
    AttachOptions, Cancel, Headroom, NodeProcess, SnapshotProgress, Target, Tolerance, attach,
    capture_heap_snapshot, estimate, policy,
};

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(target), Some(file)) = (arguments.next(), arguments.next()) else {
        return Err("usage: capture TARGET FILE".into());
    };
    let cancel = Cancel::new();
    let target = Target::parse(&target)?.resolve()?;
    let mut attached = attach(&target, &AttachOptions::default(), &cancel).await?;
    let cost = estimate(attached.facts());
    println!("heap {} bytes, {}", attached.facts().memory.heap_used, attached.facts().version);
    println!("estimate {cost:?}");
    let room = match attached.process() {
        Some(process) => Headroom::of(process.pid, Path::new(&file).parent()),
        None => Headroom::reported(attached.facts(), Path::new(&file).parent()),
    };
    println!("{room:?}");
    println!("{:?}", policy(&cost, &room, &Tolerance::default()));
    println!("warnings {:?}", attached.warnings());
    let interrupt = cancel.clone();
    tokio::spawn(async move {
        let _ = tokio::signal::ctrl_c().await;
        interrupt.cancel();
    });
    let mut last = 0;
    let outcome = capture_heap_snapshot(&mut attached, Path::new(&file), None, &cancel, |progress| {
        if let SnapshotProgress::Writing { bytes } = progress
            && bytes - last > 256 << 20
        {
            last = bytes;
            println!("{bytes} bytes");
        }
    })
    .await;
    let closed = attached.close().await;
    println!("{:#?}", outcome?);
    closed?;
    let own = NodeProcess::read(i32::try_from(std::process::id())?)?;
    println!("our own peak: {} bytes", own.rss_peak);
    Ok(())
}
