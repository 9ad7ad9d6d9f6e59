//! Network namespaces for the tests on real interfaces.
