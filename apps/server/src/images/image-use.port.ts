/** Port: how the catalogue learns that flash jobs, which stand above it, need an image. */
export abstract class ImageUse {
  /** Id of an active flash job that writes the image of this name. */
  abstract activeJobOf(imageName: string): Promise<string | undefined>;

  /** Digests of the maps and packs that agents have been told to read and may still read. */
  abstract filesInUse(): Promise<{ maps: string[]; packs: string[] }>;
}
