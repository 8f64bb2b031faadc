"""Synthetic torsos of known truth: drawn as shapes, rendered as CT, written as DICOM."""
