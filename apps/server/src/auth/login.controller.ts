import { Body, Controller, Get, HttpCode, Post, Req, Res } from '@nestjs/common';
import { ApiResponse, ApiTags } from '@nestjs/swagger';
import type { Request, Response } from 'express';
import { Access, ApiProblems, addressOf, requiredCaller } from '../http/index.js';
import { LoginDto, LoginPost, MeDto, PasswordPost, toMeDto } from './login.dto.js';
import { LoginService } from './login.service.js';
import { csrfTokenOf } from './secret.js';
import { bearerOf, sessionCookieOf, setSessionCookie } from './session-cookie.js';

@ApiTags('accounts')
@Controller('auth')
export class LoginController {
  constructor(private readonly logins: LoginService) {}

  /**
   * Logs a user in for 12 hours. The token is for programs; a browser gets it as the cookie `bty_session`, too, and then sends
   * `csrf_token` in the header `X-CSRF-Token` with every change.
   */
  @Post('login')
  @Access('anyone')
  @HttpCode(200)
  @ApiResponse({ status: 200, type: LoginDto, description: 'Logged in.' })
  @ApiProblems(401, 422, 429)
  async logIn(
    @Body() body: LoginPost,
    @Req() request: Request,
    @Res({ passthrough: true }) response: Response,
  ): Promise<LoginDto> {
    const login = await this.logins.logIn(body.username, body.password, addressOf(request), new Date());
    const { user, token, expiresAt } = login;
    setSessionCookie(request, response, login);
    response.setHeader('Cache-Control', 'no-store');
    const me = { name: `user:${user.username}`, role: user.role, pool: null, csrf_token: csrfTokenOf(token) };
    return { ...me, token, expires_at: expiresAt.toISOString() };
  }

  /** Ends the session of a login, in the browser and for its token. */
  @Post('logout')
  @Access('viewer', 'shared')
  @HttpCode(204)
  @ApiProblems(409)
  async logOut(@Req() request: Request, @Res({ passthrough: true }) response: Response): Promise<void> {
    await this.logins.logOut(requiredCaller(request));
    setSessionCookie(request, response, undefined);
  }

  /** Tells whose credential the request shows, and what it may do. */
  @Get('me')
  @Access('viewer', 'shared')
  me(@Req() request: Request, @Res({ passthrough: true }) response: Response): MeDto {
    const caller = requiredCaller(request);
    const { authorization, cookie } = request.headers;
    const session =
      caller.credential.kind === 'session' ? (bearerOf(authorization) ?? sessionCookieOf(cookie)) : undefined;
    response.setHeader('Cache-Control', 'no-store');
    return toMeDto(caller, session === undefined ? null : csrfTokenOf(session));
  }

  /** Changes one's own password, and ends one's other sessions. */
  @Post('password')
  @Access('viewer', 'shared')
  @HttpCode(204)
  @ApiProblems(409, 422)
  async changePassword(@Body() body: PasswordPost, @Req() request: Request): Promise<void> {
    await this.logins.changePassword(requiredCaller(request), body.present_password, body.new_password);
  }
}
