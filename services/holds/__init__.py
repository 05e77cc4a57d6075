"""Places, reads, extends and releases holds."""
