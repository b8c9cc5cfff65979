import { describe, expect, it } from 'vitest';
import { isAgentRoute, isImageRoute, isOpenRoute } from './open-routes.js';

describe('isOpenRoute', () => {
  it.each([
    ['GET', '/pxe-bootstrap.ipxe'],
    ['HEAD', '/pxe/52-54-00-00-00-01'],
    ['POST', '/pxe/52-54-00-00-00-01/done'],
    ['POST', '/pxe/52-54-00-00-00-01/booted'],
    ['GET', '/boot/vmlinuz'],
    ['GET', '/healthz'],
    ['POST', '/auth/login'],
    ['GET', '/docs'],
    ['GET', '/docs/swagger-ui.css'],
  ])('lets %s %s pass', (method, path) => {
    expect(isOpenRoute(method, path)).toBe(true);
  });

  it.each([
    ['PUT', '/images/a.img'],
    ['DELETE', '/images/a.img'],
    ['POST', '/pxe/52-54-00-00-00-01'],
    ['GET', '/packs'],
    ['PUT', '/packs/abc'],
    ['GET', '/pxe/52-54-00-00-00-01/booted'],
    ['GET', '/workflows'],
    ['GET', '/runs/x/report/report.html'],
    ['GET', '/machines'],
    ['GET', '/auth/login'],
    ['POST', '/auth/logout'],
    ['GET', '/auth/me'],
    ['GET', '/pxe/../machines'],
    ['GET', '/boot/a/b'],
    ['GET', '/IMAGES'],
    ['OPTIONS', '/machines'],
    ['GET', '/nothing'],
  ])('asks %s %s for a credential', (method, path) => {
    expect(isOpenRoute(method, path)).toBe(false);
  });
});

describe('isImageRoute', () => {
  it.each([
    ['GET', '/images', true],
    ['HEAD', '/images/a.img', true],
    ['GET', '/images/a.img/info', true],
    ['GET', '/packs/abc', true],
    ['HEAD', '/maps/abc', true],
    ['PUT', '/images/a.img', false],
    ['DELETE', '/images/a.img', false],
    ['GET', '/packs', false],
    ['GET', '/images/a/b', false],
  ])('%s %s: %s', (method, path, reads) => {
    expect(isImageRoute(method, path)).toBe(reads);
    expect(isOpenRoute(method, path)).toBe(false);
  });
});

describe('isAgentRoute', () => {
  it.each([
    ['GET', '/flash-jobs/x/workflow', true],
    ['PUT', '/flash-jobs/x/report', true],
    ['GET', '/flash-jobs/x/report', false],
    ['PUT', '/flash-jobs/x/report/report.html', false],
    ['DELETE', '/flash-jobs/x/workflow', false],
    ['GET', '/flash-jobs/x', false],
  ])('%s %s: %s', (method, path, isAgents) => {
    expect(isAgentRoute(method, path)).toBe(isAgents);
    expect(isOpenRoute(method, path)).toBe(false);
  });
});
