//! Values to canonical bytes and back.
