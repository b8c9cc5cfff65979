import { Controller, Get, Param, Req, Res } from '@nestjs/common';
import { ApiProduces, ApiResponse, ApiTags } from '@nestjs/swagger';
import type { Request, Response } from 'express';
import { Access, ApiProblems, sendFile } from '../http/index.js';
import { BootFiles } from './boot-files.service.js';

const BYTES = { 'application/octet-stream': { schema: { type: 'string', format: 'binary' } } } as const;

@ApiTags('boot')
@Controller('boot')
export class BootController {
  constructor(private readonly files: BootFiles) {}

  /** Gives a file of the live env or of the network boot, or one range of it. HEAD gives the headers. */
  @Get(':name')
  @Access('anyone')
  @ApiProduces('application/octet-stream')
  @ApiResponse({ status: 200, description: 'The bytes.', content: BYTES })
  @ApiResponse({ status: 206, description: 'The range that was asked for.', content: BYTES })
  @ApiProblems(404, 412, 416)
  async get(@Param('name') name: string, @Req() request: Request, @Res() response: Response): Promise<void> {
    await sendFile(request, response, await this.files.open(name));
  }
}
