"""What can go wrong with a project; every message is written for people.

ProjectError
├── NotAProjectError        there is no project here
├── NewerProjectError       a newer version of the program made it
├── StorageError            the database could not be read or written
│   └── DamagedProjectError what is in it makes no sense
└── CommitError             a change could not be saved, and was taken back
"""


class ProjectError(Exception):
    """A project cannot be used as asked."""


class NotAProjectError(ProjectError):
    """The folder holds no project."""


class NewerProjectError(ProjectError):
    """A newer version of the program wrote the project."""


class StorageError(ProjectError):
    """The project's database could not be read or written."""


class DamagedProjectError(StorageError):
    """The project's database is damaged."""


class CommitError(ProjectError):
    """A change could not be saved; memory and disk are as they were before it."""


class NotWritableError(ProjectError):
    """The project can be read, but not changed now; the message says who or what forbids it."""
