//! The comparison of two snapshots as pages and tables.
