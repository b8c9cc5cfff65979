import { BtyError } from '@bty/wire-types';
import { Injectable } from '@nestjs/common';
import { invalidFields } from '../http/index.js';
import { declaredDigest } from './declared-digest.js';
import type { ImageEntity } from './image.entity.js';
import { ImageCatalog } from './image-catalog.service.js';
import { ImageFiles, type OpenImage } from './image-files.service.js';
import { imageFormatOf, imageNameProblem } from './image-name.js';
import type { UploadOrder } from './image-upload.service.js';
import { type ImageFilter, type ImageOrder, ImagesRepository } from './images.repository.js';

/** What is asked of the catalogue. */
@Injectable()
export class ImagesService {
  constructor(
    private readonly images: ImagesRepository,
    private readonly files: ImageFiles,
    private readonly catalog: ImageCatalog,
  ) {}

  async page(filter: ImageFilter, order: ImageOrder, limit: number): Promise<ImageEntity[]> {
    await this.catalog.scan();
    return this.images.page(filter, order, limit);
  }

  /** Throws NOT_FOUND. */
  async get(name: string): Promise<ImageEntity> {
    // A name with a NUL cannot even be asked for.
    const image = name.includes('\0') ? undefined : await this.images.find(name);
    if (image === undefined) throw new BtyError('NOT_FOUND', `there is no image ${JSON.stringify(name)}`);
    return image;
  }

  /**
   * Opens the bytes that the catalogue describes. Throws NOT_FOUND, CONFLICT when the image has no digest because it cannot
   * be prepared, and UNAVAILABLE while its digest is not known, also because its file has just been replaced.
   */
  async openBytes(name: string): Promise<OpenImage & { sha256: string; map: string | null }> {
    const image = await this.get(name);
    if (image.state === 'preparing' && image.sha256 === null)
      throw new BtyError('UNAVAILABLE', `${name} is being prepared; try again`);
    if (image.sha256 === null) throw new BtyError('CONFLICT', `${name} cannot be served: ${image.error?.message}`);
    const file = await this.files.open(name);
    if (file?.fingerprint === image.fingerprint) return { ...file, sha256: image.sha256, map: image.mapBlake3 };
    await file?.handle.close();
    await this.catalog.scan();
    if (file === undefined) throw new BtyError('NOT_FOUND', `the file of the image ${name} is gone`);
    throw new BtyError('UNAVAILABLE', `the file of ${name} was replaced and is being prepared; try again`);
  }

  /** Reads what an upload says about itself. Throws INVALID_REQUEST naming what cannot be taken. */
  readOrder(name: string, headers: Record<string, string | undefined>, sha256: string | undefined): UploadOrder {
    const format = imageFormatOf(name);
    const problem = imageNameProblem(name);
    if (problem !== undefined || format === undefined) {
      throw invalidFields([{ field: 'name', problem: problem ?? 'is no image' }]);
    }
    const declared = declaredDigest(headers['content-digest'], sha256);
    if ('problem' in declared) throw invalidFields([{ field: 'sha256', problem: declared.problem }]);
    const length = headers['content-length'];
    return {
      name,
      format,
      sha256: declared.sha256,
      contentLength: length === undefined ? undefined : Number(length),
      ifMatch: headers['if-match'],
      ifNoneMatch: headers['if-none-match'],
    };
  }
}
