"""What commands show of results: rich tables and lines, printed on a console that reads no markup."""
