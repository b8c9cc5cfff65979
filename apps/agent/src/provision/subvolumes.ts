/** A btrfs subvolume; its path has no leading slash. */
export interface Subvolume {
  id: number;
  path: string;
}

/** Reads `btrfs subvolume list`; a name with a line break in it is no root, and its line is left out. */
export function parseSubvolumes(text: string): Subvolume[] {
  return text.split('\n').flatMap((line) => {
    const [, id, path] = /^ID (\d+) gen \d+ top level \d+ path (.+)$/.exec(line) ?? [];
    return id === undefined || path === undefined ? [] : [{ id: Number(id), path }];
  });
}

/** Reads `btrfs subvolume get-default`: the id of the subvolume that is mounted when none is named. */
export function parseDefault(text: string): number | undefined {
  const id = /^ID (\d+)\b/.exec(text)?.[1];
  return id === undefined ? undefined : Number(id);
}
