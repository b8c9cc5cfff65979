import type { MacAddress } from '@bty/wire-types';
import { Controller, Get, Head, HttpCode, Inject, Param, Post, Req, Res } from '@nestjs/common';
import { ApiParam, ApiProduces, ApiResponse, ApiTags } from '@nestjs/swagger';
import type { Request, Response } from 'express';
import { CONFIG, type Config } from '../config/index.js';
import { Access, ApiProblems, addressOf, baseUrlFor, MacPipe } from '../http/index.js';
import { bootstrapScript } from './ipxe-script.js';
import { BootedDto, DoneDto } from './pxe.dto.js';
import { PxeService } from './pxe.service.js';
import { PxeSignals } from './pxe-signals.service.js';

const TEXT = { 'text/plain': { schema: { type: 'string' } } } as const;
const MAC_PARAM = { name: 'mac', type: String, example: '52-54-00-00-00-01' } as const;

function sendScript(response: Response, script: string): void {
  response.setHeader('Cache-Control', 'no-store');
  response.type('text/plain; charset=utf-8').send(script);
}

@ApiTags('pxe')
@Controller()
export class PxeController {
  constructor(
    @Inject(CONFIG) private readonly config: Config,
    private readonly pxe: PxeService,
    private readonly signals: PxeSignals,
  ) {}

  /** The script that DHCP sends iPXE to: it goes on to the script of the booting card. */
  @Get('pxe-bootstrap.ipxe')
  @Access('anyone')
  @ApiProduces('text/plain')
  @ApiResponse({ status: 200, description: 'An iPXE script.', content: TEXT })
  bootstrap(@Req() request: Request, @Res() response: Response): void {
    sendScript(response, bootstrapScript(this.baseUrl(request)));
  }

  /** Tells how long the script of a machine is. Records nothing. */
  @Head('pxe/:mac')
  @Access('anyone')
  @ApiParam(MAC_PARAM)
  @ApiResponse({ status: 200, description: 'The headers of the script.' })
  @ApiProblems(400)
  async length(
    @Param('mac', MacPipe) mac: MacAddress,
    @Req() request: Request,
    @Res() response: Response,
  ): Promise<void> {
    const length = await this.pxe.lengthOf(mac, this.baseUrl(request), new Date());
    response.setHeader('Cache-Control', 'no-store');
    response.setHeader('Content-Length', String(length));
    response.type('text/plain; charset=utf-8').end();
  }

  /** The iPXE script that boots a machine: into the live env, or from its local disk. Records the contact. */
  @Get('pxe/:mac')
  @Access('anyone')
  @ApiParam(MAC_PARAM)
  @ApiProduces('text/plain')
  @ApiResponse({ status: 200, description: 'An iPXE script.', content: TEXT })
  @ApiProblems(400)
  async script(
    @Param('mac', MacPipe) mac: MacAddress,
    @Req() request: Request,
    @Res() response: Response,
  ): Promise<void> {
    const ip = addressOf(request);
    sendScript(response, await this.pxe.contact(mac, this.baseUrl(request), ip, new Date()));
  }

  /** The completion signal: the machine has been flashed. Sets `last_flashed_at`, never the boot policy. */
  @Post('pxe/:mac/done')
  @Access('anyone')
  @ApiParam(MAC_PARAM)
  @HttpCode(200)
  @ApiProblems(400, 404)
  async done(@Param('mac', MacPipe) mac: MacAddress, @Req() request: Request): Promise<DoneDto> {
    const now = new Date();
    await this.signals.done(mac, addressOf(request), now);
    return { mac, last_flashed_at: now.toISOString() };
  }

  /**
   * The machine's own system has booted: what cloud-init's `phone_home` posts. Where it comes from is an address at which
   * the system is looked for; its content is not read.
   */
  @Post('pxe/:mac/booted')
  @Access('anyone')
  @ApiParam(MAC_PARAM)
  @HttpCode(200)
  @ApiProblems(400, 404)
  async booted(@Param('mac', MacPipe) mac: MacAddress, @Req() request: Request): Promise<BootedDto> {
    const now = new Date();
    const ip = addressOf(request);
    await this.signals.booted(mac, ip, now);
    return { mac, booted_at: now.toISOString(), booted_ip: ip };
  }

  private baseUrl(request: Request): string {
    const scheme = request.secure ? 'https' : 'http';
    return baseUrlFor(this.config.publicUrl, request.headers.host, request.socket, scheme);
  }
}
