import type { FileHandle } from 'node:fs/promises';
import { BtyError, type ImageFormat } from '@bty/wire-types';
import { Inject, Injectable, Logger } from '@nestjs/common';
import type { Request } from 'express';
import { CONFIG, type Config } from '../config/index.js';
import { type Actor, ifMatchHolds } from '../http/index.js';
import type { ImageEntity } from './image.entity.js';
import { ImageFiles } from './image-files.service.js';
import { ImageIntake, type TakenImage } from './image-intake.js';
import { ImagePrepareQueue } from './image-prepare.queue.js';
import { ImageUse } from './image-use.port.js';
import { ImagesRepository } from './images.repository.js';
import { rawSizeProblem } from './raw-size.js';
import { StoreSpace } from './store-space.service.js';

/** An upload looks so often whether there still is room. */
const LOOK_INTERVAL_BYTES = 64 * 1024 * 1024;

/** What an upload says about itself before its first byte. */
export interface UploadOrder {
  readonly name: string;
  readonly format: ImageFormat;
  /** Declared by the sender, hex. */
  readonly sha256?: string | undefined;
  readonly contentLength?: number | undefined;
  readonly ifMatch?: string | undefined;
  readonly ifNoneMatch?: string | undefined;
}

/** What became of an upload. */
export type UploadOutcome = 'created' | 'replaced' | 'unchanged';

function etagOf(image: ImageEntity | undefined): string | undefined {
  return image?.sha256 == null ? undefined : `"${image.sha256}"`;
}

/** Takes images in: bytes go to a hidden file while they are hashed, and appear under their name whole or not at all. */
@Injectable()
export class ImageUpload {
  private readonly log = new Logger('Images');
  private readonly underWay = new Set<string>();

  constructor(
    @Inject(CONFIG) private readonly config: Config,
    private readonly images: ImagesRepository,
    private readonly files: ImageFiles,
    private readonly use: ImageUse,
    private readonly space: StoreSpace,
    private readonly queue: ImagePrepareQueue,
  ) {}

  /** Reads the body of a PUT. `ready` is called when everything that can be refused beforehand has been. */
  async receive(order: UploadOrder, body: Request, actor: Actor, ready: () => void): Promise<UploadOutcome> {
    if (this.underWay.has(order.name)) {
      throw new BtyError('CONFLICT', `another upload of ${order.name} is under way`);
    }
    this.underWay.add(order.name);
    try {
      await this.refuseEarly(order);
      ready();
      return await this.store(order, body, actor);
    } finally {
      this.underWay.delete(order.name);
    }
  }

  /** Removes an image. Throws NOT_FOUND, PRECONDITION_FAILED, or IN_USE while an active flash job writes it. */
  async remove(name: string, ifMatch: string | undefined, actor: Actor): Promise<void> {
    if (this.underWay.has(name)) throw new BtyError('CONFLICT', `an upload of ${name} is under way`);
    const removed = await this.files.exclusively(async () => {
      const image = await this.images.find(name);
      if (image !== undefined) this.checkCondition(name, ifMatch, image);
      await this.refuseInUse(name);
      return this.images.remove(name, actor, () => this.files.remove(name));
    });
    if (!removed) throw new BtyError('NOT_FOUND', `there is no image ${name}`);
    this.log.log(`${name} was removed by ${actor.name}`);
  }

  private async refuseEarly(order: UploadOrder): Promise<void> {
    const { contentLength } = order;
    this.refuseTooLarge(contentLength ?? 0);
    const raw = order.format === 'img' && contentLength !== undefined;
    const problem = raw ? rawSizeProblem(contentLength) : undefined;
    if (problem !== undefined) throw new BtyError('IMAGE_INVALID', problem);
    const image = await this.images.find(order.name);
    this.refuseOverwrite(order, image, order.sha256);
    await this.refuseWithoutRoom(contentLength ?? 0);
  }

  private async refuseWithoutRoom(sizeBytes: number): Promise<void> {
    const room = Math.max(0, await this.space.forImage());
    if (sizeBytes <= room) return;
    const message = `the image store has room for ${room} more bytes`;
    throw new BtyError('STORAGE_FULL', message, { details: { room_bytes: room } });
  }

  private refuseTooLarge(sizeBytes: number): void {
    const { maxImageBytes } = this.config;
    if (sizeBytes > maxImageBytes) {
      const details = { max_bytes: maxImageBytes };
      throw new BtyError('TOO_LARGE', `images of up to ${maxImageBytes} bytes are taken`, { details });
    }
  }

  private checkCondition(name: string, ifMatch: string | undefined, image: ImageEntity | undefined): void {
    if (ifMatchHolds(ifMatch, etagOf(image))) return;
    const now =
      image === undefined ? `there is no ${name}` : `the ETag of ${name} is ${etagOf(image) ?? 'not known yet'}`;
    throw new BtyError('PRECONDITION_FAILED', now);
  }

  /** `sha256` is that of the new bytes as far as it is known; without it only the conditions are checked. */
  private refuseOverwrite(order: UploadOrder, image: ImageEntity | undefined, sha256: string | undefined): void {
    this.checkCondition(order.name, order.ifMatch, image);
    if (order.ifNoneMatch?.trim() === '*' && image !== undefined) {
      throw new BtyError('PRECONDITION_FAILED', `there is an image ${order.name} already`);
    }
    const other = image !== undefined && sha256 !== undefined && sha256 !== image.sha256;
    if (other && order.ifMatch === undefined) {
      const etag = etagOf(image);
      const without = image.state === 'preparing' ? 'wait until they are prepared' : 'remove them first';
      const how = etag === undefined ? without : `send If-Match: ${etag} to replace them`;
      throw new BtyError('CONFLICT', `other bytes have the name ${order.name} already; ${how}`, { details: { etag } });
    }
  }

  private async refuseInUse(name: string): Promise<void> {
    const jobId = await this.use.activeJobOf(name);
    if (jobId === undefined) return;
    throw new BtyError('IN_USE', `flash job ${jobId} writes this image; cancel it or wait`, {
      details: { job_id: jobId },
    });
  }

  private async store(order: UploadOrder, body: Request, actor: Actor): Promise<UploadOutcome> {
    const temporary = await this.files.createTemporary();
    try {
      const taken = await this.take(order, body, temporary.handle);
      await temporary.handle.close();
      return await this.files.exclusively(() => this.publish(order, taken, temporary.path, actor));
    } finally {
      await temporary.handle.close();
      await this.files.removeTemporary(temporary.path);
    }
  }

  private async take(order: UploadOrder, body: Request, handle: FileHandle): Promise<TakenImage> {
    const intake = new ImageIntake(order);
    let lookAt = LOOK_INTERVAL_BYTES;
    try {
      // A refusal must not destroy the request: its sender is to see the answer.
      for await (const chunk of body.iterator({ destroyOnReturn: false })) {
        intake.add(chunk as Buffer);
        this.refuseTooLarge(intake.sizeBytes);
        await handle.writeFile(chunk as Buffer);
        if (intake.sizeBytes < lookAt) continue;
        lookAt += LOOK_INTERVAL_BYTES;
        await this.refuseWithoutRoom(0);
      }
      const taken = intake.end();
      await handle.sync();
      await this.refuseWithoutRoom(0);
      return taken;
    } catch (error) {
      throw this.explain(order, error);
    }
  }

  private explain(order: UploadOrder, error: unknown): unknown {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'ENOSPC' || code === 'EDQUOT')
      return new BtyError('STORAGE_FULL', 'the image store is full', { cause: error });
    if (code === 'ECONNRESET' || code === 'ERR_STREAM_PREMATURE_CLOSE') {
      this.log.warn(`the upload of ${order.name} was cut off`);
      return new BtyError('IMAGE_TRUNCATED', 'the upload was cut off', { cause: error });
    }
    return error;
  }

  private async publish(
    order: UploadOrder,
    taken: TakenImage,
    temporary: string,
    actor: Actor,
  ): Promise<UploadOutcome> {
    const image = await this.images.find(order.name);
    this.refuseOverwrite(order, image, taken.sha256);
    const same = image?.sha256 === taken.sha256 && image.state !== 'failed';
    if (same && (await this.isInPlace(image))) return 'unchanged';
    await this.refuseInUse(order.name);
    const { name, format } = order;
    const file = { name, format, ...taken };
    const created = await this.images.publish(file, actor, () => this.files.place(temporary, name));
    this.log.log(`${name} was uploaded by ${actor.name}: ${taken.sizeBytes} bytes, sha256 ${taken.sha256}`);
    this.queue.order(name);
    return created ? 'created' : 'replaced';
  }

  private async isInPlace(image: ImageEntity): Promise<boolean> {
    const file = await this.files.open(image.name);
    await file?.handle.close();
    return file?.fingerprint === image.fingerprint;
  }
}
