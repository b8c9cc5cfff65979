import { BtyError } from '@bty/wire-types';
import { Body, Controller, Delete, Get, HttpCode, Param, ParseUUIDPipe, Post, Query, Req, Res } from '@nestjs/common';
import { ApiParam, ApiResponse, ApiTags } from '@nestjs/swagger';
import type { Request, Response } from 'express';
import {
  Access,
  ApiProblems,
  actorOf,
  ChecksRevision,
  cutPage,
  ReadsRecord,
  requiredCaller,
  revisionCheck,
  sendRecord,
} from '../http/index.js';
import {
  ApiTokenDto,
  ApiTokenPost,
  ApiTokensQuery,
  NewApiTokenDto,
  RevokedDto,
  toTokenDto,
  toTokenWish,
} from './api-token.dto.js';
import { ApiTokensRepository, tokenRevision } from './api-tokens.repository.js';
import { newApiToken } from './secret.js';

const TOKEN_ID = new ParseUUIDPipe({ exceptionFactory: () => new BtyError('NOT_FOUND', 'token ids are UUIDs') });
const ID_PARAM = { name: 'id', type: String, format: 'uuid' } as const;

/** The credentials of programs. */
@ApiTags('accounts')
@Controller('tokens')
export class ApiTokensController {
  constructor(private readonly tokens: ApiTokensRepository) {}

  /** Lists the tokens that are not revoked, sorted by name. */
  @Get()
  @Access('admin')
  @ApiProblems(422)
  async list(
    @Query() query: ApiTokensQuery,
    @Req() request: Request,
    @Res({ passthrough: true }) response: Response,
  ): Promise<ApiTokenDto[]> {
    const rows = await this.tokens.page(query.after, query.limit + 1);
    return cutPage(request, response, rows, query.limit, ({ name }) => name).map(toTokenDto);
  }

  /** Makes a token, and shows it: this once. */
  @Post()
  @Access('admin')
  @ApiResponse({ status: 201, type: NewApiTokenDto, description: 'The token is made; `Location` names it.' })
  @ApiProblems(409, 422)
  async add(
    @Body() body: ApiTokenPost,
    @Req() request: Request,
    @Res({ passthrough: true }) response: Response,
  ): Promise<NewApiTokenDto> {
    const token = newApiToken();
    const made = await this.tokens.add(toTokenWish(body, new Date()), token, actorOf(request));
    response.setHeader('Location', `/tokens/${made.id}`);
    response.setHeader('Cache-Control', 'no-store');
    return { ...toTokenDto(made), token };
  }

  /** Shows one token, without its secret. */
  @Get(':id')
  @Access('admin')
  @ApiParam(ID_PARAM)
  @ReadsRecord(ApiTokenDto)
  @ApiProblems(404)
  async get(@Param('id', TOKEN_ID) id: string, @Req() request: Request, @Res() response: Response): Promise<void> {
    const token = await this.tokens.get(id);
    sendRecord(request, response, tokenRevision(token), toTokenDto(token));
  }

  /** Revokes a token: its next request is refused. */
  @Delete(':id')
  @Access('admin')
  @ApiParam(ID_PARAM)
  @HttpCode(204)
  @ChecksRevision()
  @ApiProblems(404)
  async revoke(@Param('id', TOKEN_ID) id: string, @Req() request: Request): Promise<void> {
    revisionCheck(request)(tokenRevision(await this.tokens.get(id)));
    await this.tokens.revoke(id, actorOf(request));
  }

  /** Revokes every token, but not the one that asks for it. */
  @Delete()
  @Access('admin')
  @HttpCode(200)
  async revokeAll(@Req() request: Request): Promise<RevokedDto> {
    const { actor, credential } = requiredCaller(request);
    return { revoked: await this.tokens.revokeAllBut(credential.kind === 'token' ? credential.id : undefined, actor) };
  }
}
