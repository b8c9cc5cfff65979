import { Option } from 'commander';

export const imageOption = (): Option =>
  new Option(
    '--image <path-or-url>',
    'the image: .img, .img.zst or .qcow2; a file, an http(s) URL, or a name in the image root',
  ).makeOptionMandatory();

export const imageRootOption = (): Option =>
  new Option('--image-root <folder>', 'where images lie (BTY_IMAGE_ROOT), default /var/lib/bty/images');

export const targetOption = (): Option =>
  new Option(
    '--target <disk>',
    'a whole disk such as /dev/sdb, or a hint that fits one disk, such as serial=S3Z9NB0K1234',
  ).makeOptionMandatory();

export const digestOption = (): Option => new Option('--sha256 <digest>', 'the SHA-256 that the image file must have');

export const jsonOption = (): Option => new Option('--json', 'print one JSON document on standard output');

export const diskOption = (): Option =>
  new Option('--disk <device>', 'look at this block device only; may be given again (BTY_DISKS)').argParser(
    (value: string, before: string[] | undefined) => [...(before ?? []), value],
  );
