"""Algorithm 1 of the paper: label a start set, then for T rounds query, label, train and evaluate.

``rounds`` is the loop. ``needs`` decides what a round's query reads of the model, ``query`` lets a strategy select,
``shared`` holds what the strategies of a block share. Rows are positions in the task's pool throughout; only the record
speaks of row numbers of the dataset.
"""
