"""What is done to stored runs afterwards: audit, metrics computed again, records of earlier versions converted."""
