"""What people see: the pages, and the styles, scripts and words that they load.

A page asks the public API for everything that it shows, with the publishable key. Here the files are only read, named
after their content and sent: no request of a page or a file takes a turn or asks a store for more than a name.
"""
