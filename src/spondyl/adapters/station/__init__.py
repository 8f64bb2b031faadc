"""The reading station's own adapters: its tables, its queue, its accounts, its folder.

``opened`` makes a ``Station`` of its settings; everything else takes one. In the order of a study's way:
``dicom``, ``upload`` and ``incoming`` bring studies and reports in, ``workflow`` and ``analysis`` work on
them, ``notify`` tells of them, ``studies`` lists them, ``readings`` and ``progress`` are the readers'
tasks and the coordinator's view, ``export`` writes the records of the study. ``accounts`` and ``audit``
say who may, and who did. ``database``, ``schema``, ``tables``, ``migrations`` and ``keeping`` hold it all.
"""
