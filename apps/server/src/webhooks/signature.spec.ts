import { expect, it } from 'vitest';
import { newWebhookSecret, shownSecret, signedHeaders } from './signature.js';

it('signs the example of the Standard Webhooks specification', () => {
  const secret = 'MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
  const headers = signedHeaders(secret, 'msg_p5jXN8AQM9LWM0D4loKWxJek', '{"test": 2432232314}', 1_614_265_330_999);
  expect(headers).toEqual({
    'webhook-id': 'msg_p5jXN8AQM9LWM0D4loKWxJek',
    'webhook-timestamp': '1614265330',
    'webhook-signature': 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
  });
});

it('makes keys of 32 bytes that are never the same', () => {
  const [a, b] = [newWebhookSecret(), newWebhookSecret()];
  expect(a).not.toBe(b);
  expect(Buffer.from(a, 'base64')).toHaveLength(32);
  expect(shownSecret(a)).toBe(`whsec_${a}`);
});
