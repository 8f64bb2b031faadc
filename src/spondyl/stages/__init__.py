"""What is done, one step per package, in the order of the data's way.

ingest → volume → localise → segment → label → measure → grade → signs → confounders → density → finding → report

A stage takes domain types and gives domain types. It never imports another stage, and its ``__init__``
is its only door: one public function, its Settings, and a docstring that says In, Out, Refuses.
"""  # noqa: E501 - the order stands in one line, where a test reads it
