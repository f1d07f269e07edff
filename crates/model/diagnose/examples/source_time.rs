//! Times the reading of one source, and asks it about a variable when one is named:
//! `cargo run --release -p leakhound-diagnose --example source_time -- FILE [VARIABLE]`.
#![expect(clippy::print_stdout, reason = "an example's output")]

use std::time::Instant;

use leakhound_diagnose::SourceText;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut args = std::env::args().skip(1);
    let file = args.next().ok_or("a file, please")?;
    let text = std::fs::read_to_string(&file)?;
    let bytes = text.len();
    let begun = Instant::now();
    let source = SourceText::parse(&file, text.into());
    println!(
        "{bytes} bytes, {} lines, {} functions in {:?}; parsed: {}, problems: {:?}",
        source.line_count(),
        source.functions().len(),
        begun.elapsed(),
        source.is_parsed(),
        source.problems()
    );
    for name in args {
        let begun = Instant::now();
        for binding in source.bindings_named(&name) {
            println!("{}: {}", binding.declaration.line + 1, binding.text);
            for addition in source.additions_to(&binding).iter().take(5) {
                println!(
                    "  {:>3} {:?} {:?} {}: {}",
                    addition.strength,
                    addition.how,
                    addition.via,
                    addition.position.line + 1,
                    addition.text
                );
            }
        }
        let variables = begun.elapsed();
        let begun = Instant::now();
        let property = source.additions_to_property(&name, None).len();
        println!("variables in {variables:?}; {property} to the property in {:?}", begun.elapsed());
    }
    Ok(())
}
