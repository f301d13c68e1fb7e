import { describe, expect, it } from 'vitest';
import { placeOf } from './engine-http.ts';

describe('the place of a Docker engine', () => {
  it.each([
    ['tcp://engine:80', false, '80'],
    ['http://engine:80', false, '80'],
    ['https://engine:443', true, '443'],
    ['tcp://engine:443', false, '443'],
    ['tcp://[::1]:80', false, '80'],
    ['tcp://engine', false, '2375'],
    ['tcp://engine/', false, '2375'],
  ])('%s has the port that is written there', (endpoint, secure, port) => {
    expect(placeOf(endpoint, false)).toEqual({ secure, host: endpoint.includes('::1') ? '::1' : 'engine', port });
  });

  it('has a port of its own with TLS', () => {
    expect(placeOf('tcp://engine', true)).toEqual({ secure: true, host: 'engine', port: '2376' });
    expect(placeOf('tcp://engine:80', true)).toEqual({ secure: true, host: 'engine', port: '80' });
  });
});
