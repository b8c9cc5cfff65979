export { type ArchiveFile, type ArchiveLimits, archivePathProblem } from './archive-file.js';
export { readArchive } from './read-archive.js';
export { type ArchiveEntry, writeArchive } from './write-archive.js';
