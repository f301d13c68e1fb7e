import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { builderSettings } from './builder-settings.ts';

const textsOf = (files: Awaited<ReturnType<typeof builderSettings>>['files']) =>
  Object.fromEntries(files.map((file) => [file.name, 'content' in file ? Buffer.from(file.content).toString() : '']));

it('takes over how to reach registries and whom to trust, and nothing that names this machine', async () => {
  const home = await mkdtemp(join(tmpdir(), 'selvage-home-'));
  try {
    await writeFile(join(home, 'ca.pem'), 'CERTIFICATES');
    const npmrc = [
      'registry=https://r.example/',
      ['//r.example/:_authToken=$', '{TOKEN}'].join(''),
      '@corp:registry = https://c/',
      'cache=/home/x',
      'cafile=/y',
      'prefix=/z',
    ];
    await writeFile(join(home, '.npmrc'), npmrc.join('\n'));
    const host = {
      HOME: home,
      TOKEN: 't',
      https_proxy: 'http://p',
      GOPROXY: 'https://g',
      AWS_SECRET: 's',
      PATH: '/bin',
      NODE_EXTRA_CA_CERTS: join(home, 'ca.pem'),
    };
    const { env, files } = await builderSettings(host);
    expect(env).toEqual({
      https_proxy: 'http://p',
      GOPROXY: 'https://g',
      NODE_EXTRA_CA_CERTS: '/etc/selvage/trusted.pem',
      SSL_CERT_FILE: '/etc/selvage/trusted.pem',
      npm_config_userconfig: '/etc/selvage/npmrc',
    });
    expect(textsOf(files)).toEqual({
      'etc/selvage/trusted.pem': 'CERTIFICATES',
      'etc/selvage/npmrc': 'registry=https://r.example/\n//r.example/:_authToken=t\n@corp:registry = https://c/\n',
    });
  } finally {
    await rm(home, { recursive: true, force: true });
  }
});

it('is nothing where there is nothing', async () => {
  expect(await builderSettings({})).toEqual({ env: {}, files: [] });
  expect(await builderSettings({ HOME: '/nowhere', NODE_EXTRA_CA_CERTS: '/nowhere/ca.pem' })).toEqual({ env: {}, files: [] });
});
