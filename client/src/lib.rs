//! The Handschlag client: its library and the command line.
