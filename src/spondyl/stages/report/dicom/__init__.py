"""The finding as DICOM objects in the study that was read, and back.

``codes`` is the only place where a code stands; ``source`` rebuilds what a result repeats of its source;
``identity`` gives the UIDs; one file per kind of object; ``write`` makes the set; ``read_back`` is its
inverse. docs/reference/dicom-objects.md describes the objects for who receives them.
"""
