import { describe, expect, it } from 'vitest';
import { isOpenRoute } from './open-routes.js';

describe('isOpenRoute', () => {
  it.each([
    ['GET', '/pxe-bootstrap.ipxe'],
    ['HEAD', '/pxe/52-54-00-00-00-01'],
    ['POST', '/pxe/52-54-00-00-00-01/done'],
    ['POST', '/pxe/52-54-00-00-00-01/booted'],
    ['GET', '/boot/vmlinuz'],
    ['GET', '/images'],
    ['HEAD', '/images/a.img'],
    ['GET', '/images/a.img/info'],
    ['GET', '/packs/abc'],
    ['HEAD', '/maps/abc'],
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
