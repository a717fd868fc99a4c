"""What a report needs from the files of a results folder: traces, times, proofs, audits."""
