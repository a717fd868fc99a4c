"""Products of sparse matrices: the stored elements alone multiply."""
