//! Arbitrary bytes as a sampled allocation profile: an error, or a profile whose sums agree.

#![no_main]

use leakhound_profile::AllocationProfile;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Ok(profile) = AllocationProfile::parse(bytes) else { return };
    let stacks = profile.stacks();
    assert_eq!(stacks.iter().map(|stack| stack.bytes).sum::<u64>(), profile.total_bytes());
    assert_eq!(profile.bytes_through(|_| true), profile.total_bytes());
    assert_eq!(profile.bytes_through(|_| false), 0);
    for sample in profile.samples() {
        let _ = profile.frames(sample.node);
    }
});
