import { BtyError } from '@bty/wire-types';
import { Controller, Get, Inject, Param, Req, Res } from '@nestjs/common';
import { ApiHeader, ApiProduces, ApiResponse, ApiTags } from '@nestjs/swagger';
import type { Request, Response } from 'express';
import { CONFIG, type Config } from '../config/index.js';
import { Access, ApiProblems, sendFile } from '../http/index.js';
import { PackStore, type StoredKind } from './pack-store.service.js';

const BYTES = { 'application/octet-stream': { schema: { type: 'string', format: 'binary' } } } as const;
const FOR_EVER = 'max-age=31536000, immutable';

function DerivedFile(): MethodDecorator {
  const decorators = [
    ApiProduces('application/octet-stream'),
    ApiHeader({ name: 'Range', required: false, description: 'one range of bytes, for instance `bytes=0-511`' }),
    ApiResponse({ status: 200, description: 'All bytes. The ETag is the digest.', content: BYTES }),
    ApiResponse({ status: 206, description: 'The range that was asked for.', content: BYTES }),
    ApiProblems(401, 404, 412, 416),
  ];
  return (target, key, descriptor) => {
    for (const decorate of decorators) decorate(target, key, descriptor as TypedPropertyDescriptor<unknown>);
  };
}

/** What is derived from images: files whose names are their digests, and which never change. */
@ApiTags('images')
@Controller()
export class PacksController {
  constructor(
    private readonly store: PackStore,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  /** Gives a map: what each chunk of a disk holds, and where its frame lies in the pack (docs/image-format.md). */
  @Get('maps/:digest')
  @Access('anyone')
  @DerivedFile()
  async map(@Param('digest') digest: string, @Req() request: Request, @Res() response: Response): Promise<void> {
    await this.send('maps', digest, request, response);
  }

  /** Gives a pack, the bytes of a disk in the zstd seekable format, or one range of it. */
  @Get('packs/:digest')
  @Access('anyone')
  @DerivedFile()
  async pack(@Param('digest') digest: string, @Req() request: Request, @Res() response: Response): Promise<void> {
    await this.send('packs', digest, request, response);
  }

  private async send(kind: StoredKind, digest: string, request: Request, response: Response): Promise<void> {
    const file = await this.store.open(kind, digest);
    if (file === undefined) throw new BtyError('NOT_FOUND', `there is no file of this digest among the ${kind}`);
    // What needs a credential is kept by nobody for others.
    const kept = this.config.imageRead === 'token' ? 'private' : 'public';
    response.setHeader('Cache-Control', `${kept}, ${FOR_EVER}`);
    await sendFile(request, response, file);
  }
}
