import { Body, Controller, Delete, Get, HttpCode, Param, Patch, Post, Query, Req, Res } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import type { Request, Response } from 'express';
import {
  Access,
  ApiProblems,
  ChecksRevision,
  cutPage,
  ReadsRecord,
  requiredCaller,
  revisionCheck,
  SendsRecord,
  sendRecord,
} from '../http/index.js';
import { toUserDto, UserDto, UserPatch, UserPost, UsersQuery } from './user.dto.js';
import type { UserEntity } from './user.entity.js';
import { UsersRepository, userRevision } from './users.repository.js';
import { UsersService } from './users.service.js';

/** Who logs in by a password. */
@ApiTags('accounts')
@Controller('users')
export class UsersController {
  constructor(
    private readonly users: UsersRepository,
    private readonly service: UsersService,
  ) {}

  /** Lists the users, sorted by name. */
  @Get()
  @Access('admin')
  @ApiProblems(422)
  async list(
    @Query() query: UsersQuery,
    @Req() request: Request,
    @Res({ passthrough: true }) response: Response,
  ): Promise<UserDto[]> {
    const rows = await this.users.page(query.after, query.limit + 1);
    return cutPage(request, response, rows, query.limit, ({ username }) => username).map(toUserDto);
  }

  /** Makes a user. */
  @Post()
  @Access('admin')
  @SendsRecord(201, UserDto, 'The user is made; `Location` names it.')
  @ApiProblems(409, 422)
  async add(@Body() body: UserPost, @Req() request: Request, @Res() response: Response): Promise<void> {
    const user = await this.service.add(body, requiredCaller(request));
    response.status(201).setHeader('Location', `/users/${user.username}`);
    this.send(request, response, user);
  }

  /** Shows one user. */
  @Get(':username')
  @Access('admin')
  @ReadsRecord(UserDto)
  @ApiProblems(404)
  async get(@Param('username') username: string, @Req() request: Request, @Res() response: Response): Promise<void> {
    this.send(request, response, await this.users.get(username));
  }

  /** Changes a user's role or password, or keeps the user from logging in. Ends the sessions of the user. */
  @Patch(':username')
  @Access('admin')
  @ChecksRevision()
  @SendsRecord(200, UserDto, 'The user as it is now.')
  @ApiProblems(404, 409, 422)
  async change(
    @Param('username') username: string,
    @Body() body: UserPatch,
    @Req() request: Request,
    @Res() response: Response,
  ): Promise<void> {
    const check = revisionCheck(request);
    this.send(request, response, await this.service.change(username, body, requiredCaller(request), check));
  }

  /** Removes a user, and ends the user's sessions. API tokens that the user has made stay. */
  @Delete(':username')
  @Access('admin')
  @HttpCode(204)
  @ChecksRevision()
  @ApiProblems(404, 409)
  async remove(@Param('username') username: string, @Req() request: Request): Promise<void> {
    await this.service.remove(username, requiredCaller(request), revisionCheck(request));
  }

  private send(request: Request, response: Response, user: UserEntity): void {
    sendRecord(request, response, userRevision(user), toUserDto(user));
  }
}
