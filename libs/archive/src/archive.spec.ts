import { BtyError } from '@bty/wire-types';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type ArchiveFile, archivePathProblem } from './archive-file.js';
import { BLOCK_BYTES, makeHeader } from './header.js';
import { readArchive } from './read-archive.js';
import { writeArchive } from './write-archive.js';

const LIMITS = { maxFiles: 100, maxBytes: 1024 * 1024 };
const END = Buffer.alloc(2 * BLOCK_BYTES);

function file(path: string, text = 'x', executable = false): ArchiveFile {
  return { path, content: Buffer.from(text), executable };
}

function entry(path: string, type = '0', text = ''): Buffer {
  const content = Buffer.from(text);
  const padded = Buffer.concat([content, Buffer.alloc(-content.length & (BLOCK_BYTES - 1))]);
  return Buffer.concat([makeHeader({ path, mode: 0o644, sizeBytes: content.length, type }), padded]);
}

function refusal(bytes: Buffer, limits = LIMITS): string {
  try {
    readArchive(bytes, limits);
  } catch (error) {
    if (error instanceof BtyError) return `${error.code}: ${error.message}`;
    throw error;
  }
  return 'taken';
}

const part = fc.stringMatching(/^[a-zA-Z0-9_ äß-]{1,40}$/);
const paths = fc.uniqueArray(
  fc.array(part, { minLength: 1, maxLength: 4 }).map((parts) => parts.join('/')),
  { maxLength: 8 },
);

describe('writeArchive and readArchive', () => {
  it('give back what was written, long paths included', () => {
    fc.assert(
      fc.property(paths, fc.uint8Array({ maxLength: 2000 }), fc.boolean(), (names, content, executable) => {
        // A name cannot be a file and the folder of another one.
        const free = names.filter(
          (name) => archivePathProblem(name) === undefined && !names.some((other) => other.startsWith(`${name}/`)),
        );
        const files = free.map((path) => ({ path, content: Buffer.from(content), executable }));
        const { bytes, entries } = writeArchive(files);
        expect(readArchive(bytes, LIMITS)).toEqual(files.sort((a, b) => (a.path < b.path ? -1 : 1)));
        for (const { offsetBytes, sizeBytes } of entries) {
          expect(bytes.subarray(offsetBytes, offsetBytes + sizeBytes)).toEqual(Buffer.from(content));
        }
      }),
    );
  });

  it('give the same bytes for the same files in any order', () => {
    const [a, b] = [file('a'), file('b/c')];
    expect(writeArchive([a, b]).bytes).toEqual(writeArchive([b, a]).bytes);
  });
});

describe('readArchive', () => {
  it.each([
    ['an absolute path', [entry('/etc/passwd')], 'ARCHIVE_INVALID: the path "/etc/passwd" is absolute'],
    ['a path upwards', [entry('a/../../b')], 'ARCHIVE_INVALID: the path "a/../../b" has an empty, "." or ".." part'],
    ['an empty path', [entry('')], 'ARCHIVE_INVALID: the path "" has an empty, "." or ".." part'],
    ['a path with a newline', [entry('a\nb')], 'ARCHIVE_INVALID: the path "a\\nb" has characters that cannot be shown'],
    ['a hard link', [entry('a', '1')], 'ARCHIVE_INVALID: "a" is a hard link; only regular files are taken'],
    ['a symbolic link', [entry('a', '2')], 'ARCHIVE_INVALID: "a" is a symbolic link; only regular files are taken'],
    ['a device', [entry('a', '3')], 'ARCHIVE_INVALID: "a" is a device; only regular files are taken'],
    ['a named pipe', [entry('a', '6')], 'ARCHIVE_INVALID: "a" is a named pipe; only regular files are taken'],
    [
      'an unknown kind',
      [entry('a', 'Q')],
      'ARCHIVE_INVALID: "a" is something of an unknown kind; only regular files are taken',
    ],
    ['the same path twice', [entry('a'), entry('a')], 'ARCHIVE_INVALID: "a" is there twice'],
    ['a file below a file', [entry('a'), entry('a/b')], 'ARCHIVE_INVALID: "a" is a file and a directory'],
    ['a file in place of a directory', [entry('a/b'), entry('a')], 'ARCHIVE_INVALID: "a" is a file and a directory'],
    [
      'a path behind a pax header',
      [entry('x', 'x', '13 path=/etc\n'), entry('a')],
      'ARCHIVE_INVALID: the path "/etc" is absolute',
    ],
    [
      'a path behind a GNU header',
      [entry('x', 'L', '../a\0'), entry('a')],
      'ARCHIVE_INVALID: the path "../a" has an empty, "." or ".." part',
    ],
    [
      'a size in a pax header',
      [entry('x', 'x', '16 size=9999999\n'), entry('a')],
      'ARCHIVE_INVALID: the archive ends early',
    ],
    [
      'a damaged pax header',
      [entry('x', 'x', '99 path=b\n'), entry('a')],
      'ARCHIVE_INVALID: an extended header is damaged',
    ],
    [
      'a pax header that goes nowhere',
      [entry('x', 'x', '0 path=b\n'), entry('a')],
      'ARCHIVE_INVALID: an extended header is damaged',
    ],
    [
      'a sparse file',
      [entry('x', 'x', '22 GNU.sparse.major=1\n')],
      'ARCHIVE_INVALID: a sparse file is in the archive; only whole files are taken',
    ],
  ])('refuses %s', (_name, entries, message) => {
    expect(refusal(Buffer.concat([...entries, END]))).toBe(message);
  });

  it('refuses more files and more bytes than it is allowed', () => {
    const { bytes } = writeArchive([file('a', '1234'), file('b', '5678')]);
    expect(refusal(bytes, { maxFiles: 1, maxBytes: 100 })).toBe('TOO_LARGE: more than 1 files');
    expect(refusal(bytes, { maxFiles: 9, maxBytes: 7 })).toBe('TOO_LARGE: more than 7 bytes');
    expect(refusal(bytes, { maxFiles: 2, maxBytes: 8 })).toBe('taken');
  });

  it('refuses an archive that was cut off anywhere', () => {
    const { bytes } = writeArchive([file('a', 'some text'), file('b', 'more')]);
    const files = bytes.length - END.length;
    for (let length = 0; length <= files; length += 64) {
      expect(refusal(bytes.subarray(0, length))).toBe('ARCHIVE_INVALID: the archive ends early');
    }
  });

  it('throws nothing but its own errors on damaged bytes', () => {
    const { bytes } = writeArchive([file('a', 'some text'), file('b'.repeat(120), 'more')]);
    fc.assert(
      fc.property(fc.nat(bytes.length - 1), fc.nat(255), (at, value) => {
        const damaged = Buffer.from(bytes);
        damaged[at] = value;
        expect(refusal(damaged)).toMatch(/^(taken|(ARCHIVE_INVALID|TOO_LARGE): )/);
      }),
    );
  });

  it('leaves directories out, and takes the "./" of tar away', () => {
    const bytes = Buffer.concat([entry('./', '5'), entry('./a/', '5'), entry('./a/b', '0', 'text'), END]);
    expect(readArchive(bytes, LIMITS)).toEqual([file('a/b', 'text')]);
  });
});
