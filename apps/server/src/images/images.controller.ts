import { BtyError } from '@bty/wire-types';
import { Controller, Delete, Get, HttpCode, Param, Put, Query, Req, Res } from '@nestjs/common';
import { ApiBody, ApiConsumes, ApiHeader, ApiProduces, ApiResponse, ApiTags } from '@nestjs/swagger';
import type { Request, Response } from 'express';
import { Access, ApiProblems, actorOf, cutPage, poolOf, sendFile } from '../http/index.js';
import { ImageDto, ImagesQuery, imagePageEnd, toImageDto, toImageList, UploadQuery } from './image.dto.js';
import { ImageUpload } from './image-upload.service.js';
import { ImagesService } from './images.service.js';

/** How long the rest of a refused upload is read and thrown away, so that its sender sees the answer. */
const DRAIN_MS = 10_000;
const BYTES = { schema: { type: 'string', format: 'binary' } } as const;

@ApiTags('images')
@Controller('images')
export class ImagesController {
  constructor(
    private readonly images: ImagesService,
    private readonly uploads: ImageUpload,
  ) {}

  /** Lists the images of the image root, sorted by name unless `sort` says otherwise. */
  @Get()
  @Access('anyone')
  @ApiProblems(401, 422)
  async list(
    @Query() query: ImagesQuery,
    @Req() request: Request,
    @Res({ passthrough: true }) response: Response,
  ): Promise<ImageDto[]> {
    const { filter, order } = toImageList(query);
    const rows = await this.images.page(filter, order, query.limit + 1);
    return cutPage(request, response, rows, query.limit, (row) => imagePageEnd(row, order.field)).map(toImageDto);
  }

  /** Shows what the catalogue says about an image. */
  @Get(':name/info')
  @Access('anyone')
  @ApiProblems(401, 404)
  async info(@Param('name') name: string): Promise<ImageDto> {
    return toImageDto(await this.images.get(name));
  }

  /** Gives the bytes of an image, or one range of them. HEAD gives the headers. When it is ready, `Link` names its map. */
  @Get(':name')
  @Access('anyone')
  @ApiProduces('application/octet-stream')
  @ApiHeader({ name: 'Range', required: false, description: 'one range of bytes, for instance `bytes=0-511`' })
  @ApiResponse({
    status: 200,
    description: 'All bytes. The ETag is the SHA-256.',
    content: { 'application/octet-stream': BYTES },
  })
  @ApiResponse({
    status: 206,
    description: 'The range that was asked for.',
    content: { 'application/octet-stream': BYTES },
  })
  @ApiProblems(401, 404, 409, 412, 416)
  async bytes(@Param('name') name: string, @Req() request: Request, @Res() response: Response): Promise<void> {
    const file = await this.images.openBytes(name);
    if (file.map !== null) response.setHeader('Link', `</maps/${file.map}>; rel="describedby"`);
    await sendFile(request, response, { ...file, etag: `"${file.sha256}"` });
  }

  /**
   * Puts an image into the catalogue. The same bytes again change nothing; other bytes under a used name need `If-Match`
   * with the present ETag.
   */
  @Put(':name')
  @Access('ci', 'handler')
  @ApiConsumes('application/octet-stream')
  @ApiBody(BYTES)
  @ApiHeader({ name: 'Content-Digest', required: false, description: '`sha-256=:<base64>:` of the bytes (RFC 9530)' })
  @ApiHeader({ name: 'If-Match', required: false, description: 'ETag of the image that is to be replaced' })
  @ApiResponse({ status: 200, type: ImageDto, description: 'The image was replaced, or had these bytes already.' })
  @ApiResponse({ status: 201, type: ImageDto, description: 'The image is new.' })
  @ApiProblems(401, 409, 412, 413, 422, 507)
  async put(
    @Param('name') name: string,
    @Query() query: UploadQuery,
    @Req() request: Request,
    @Res({ passthrough: true }) response: Response,
  ): Promise<ImageDto> {
    try {
      if (poolOf(request) !== undefined && request.headers['if-match'] !== undefined) {
        // Machines of other pools may have the image.
        throw new BtyError('FORBIDDEN', 'a token that is restricted to a pool adds images, and replaces none');
      }
      const order = this.images.readOrder(name, request.headers as Record<string, string | undefined>, query.sha256);
      const goOn = () => request.headers.expect !== undefined && response.writeContinue();
      const outcome = await this.uploads.receive(order, request, actorOf(request), goOn);
      const image = await this.images.get(name);
      response.status(outcome === 'created' ? 201 : 200);
      response.setHeader('ETag', `"${image.sha256}"`);
      if (outcome === 'created') response.setHeader('Location', `/images/${name}`);
      return toImageDto(image);
    } catch (error) {
      setTimeout(() => request.complete || request.destroy(), DRAIN_MS).unref();
      throw error;
    }
  }

  /** Removes an image and its file. */
  @Delete(':name')
  @Access('operator')
  @ApiHeader({ name: 'If-Match', required: false, description: 'ETag that the image must have' })
  @HttpCode(204)
  @ApiProblems(401, 404, 409, 412)
  async remove(@Param('name') name: string, @Req() request: Request): Promise<void> {
    await this.uploads.remove(name, request.headers['if-match'], actorOf(request));
  }
}
