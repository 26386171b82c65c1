//! The IAM policy language and the reasoning over it. Knows nothing else of this crate.
