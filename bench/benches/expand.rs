//! How long it takes to put values in for the variables of a prompt, by the size of its template.

use std::collections::BTreeMap;
use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput};
use domain::prompt_template::expand;

/// The sizes of templates, in characters. The service accepts up to 100,000.
const SIZES: [usize; 4] = [1_000, 10_000, 100_000, 1_000_000];
/// The characters of a template for each of its variables.
const FOR_EACH_VARIABLE: usize = 10;

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    for (name, piece, value) in [
        ("variables with values", "{name} abc", "value!"),
        ("variables without values", "{none} abc", "value!"),
        ("open braces alone", "{{{{{{{{{{", "value!"),
        ("names that do not end", "{aaaaaaaaa", "value!"),
        ("plain text", "abcde fgh.", "value!"),
    ] {
        let mut group = criterion.benchmark_group(name);
        let values = BTreeMap::from([("name".to_owned(), value.to_owned())]);
        for size in SIZES {
            // A value is as long as its variable, so the output is as long as the template.
            let template = piece.repeat(size / FOR_EACH_VARIABLE);
            assert_eq!(expand(&template, &values, size).map(|text| text.len()), Ok(size));
            group.throughput(Throughput::Bytes(size as u64));
            group.bench_with_input(BenchmarkId::from_parameter(size), &template, |bencher, template| {
                bencher.iter(|| expand(black_box(template), black_box(&values), size));
            });
        }
        group.finish();
    }
    criterion.final_summary();
}
