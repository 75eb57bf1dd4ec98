"""From a table's numbers to what is printed: cells, captions and notes, and the tables that stand beside a table."""
