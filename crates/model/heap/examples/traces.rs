//! Prints what an allocation recording holds: `cargo run --example traces -- FILE.heaptimeline`.

use leakhound_heap::Heap;
use leakhound_heap::query::TraceTotals;

#[expect(clippy::print_stdout, reason = "an example")]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    let path = std::env::args_os().nth(1).ok_or("give a file")?;
    let heap = Heap::read(std::fs::read(path)?.into(), &())?;
    println!("{} nodes, {} samples, losses {:?}", heap.node_count(), heap.samples().len(), heap.losses());
    println!("unknown sections {:?}, scopes {}", heap.unknown_sections(), heap.scopes().is_some());
    let Some(traces) = heap.traces() else { return Ok(()) };
    println!("{} functions, {} trace nodes", traces.functions.len(), traces.nodes.len());
    let totals = TraceTotals::new(&heap, traces, |node| heap.self_size(node));
    let mut rows: Vec<_> = traces.functions.iter().zip(&totals.functions).collect();
    rows.sort_by_key(|(_, total)| std::cmp::Reverse(total.live_size));
    for (function, total) in rows.iter().take(5) {
        let strings = heap.strings();
        let (name, script) = (strings.get(function.name), strings.get(function.script_name));
        println!("{name} {script}:{}:{} {total:?}", function.line, function.column);
    }
    Ok(())
}
