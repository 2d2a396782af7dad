//! Redis follows Lehr's tables: the rows of each in a hash, each closed tick at once.
