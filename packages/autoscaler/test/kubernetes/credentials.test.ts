import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadCredentials } from '../../src/kubernetes/credentials.ts';

let dir: string;
const path = (name: string): string => join(dir, name);
const write = (name: string, content: string): string => {
  writeFileSync(path(name), content);
  return path(name);
};
const base64 = (text: string): string => Buffer.from(text).toString('base64');

beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'celeriac-credentials-'));
});
afterAll(() => rmSync(dir, { recursive: true }));

/** A kubeconfig of one context with this user; YAML. */
const kubeconfig = (name: string, user: string, cluster = 'server: https://10.0.0.1:6443/'): string =>
  write(
    name,
    `apiVersion: v1
kind: Config
current-context: here
clusters: [{ name: c, cluster: { ${cluster} } }]
users: [{ name: u, user: { ${user} } }]
contexts:
- { name: here, context: { cluster: c, user: u, namespace: app } }
- { name: there, context: { cluster: c, user: nobody } }
`,
  );

describe('a kubeconfig', () => {
  it('gives server, namespace, token and CA', async () => {
    const file = kubeconfig(
      'token',
      'token: abc',
      `server: "https://10.0.0.1:6443/", certificate-authority-data: ${base64('CA')}, tls-server-name: api`,
    );
    const credentials = await loadCredentials({ kubeconfig: file });
    expect(credentials).toMatchObject({ server: 'https://10.0.0.1:6443', namespace: 'app' });
    const security = await credentials.authorize();
    expect(security.headers).toEqual({ authorization: 'Bearer abc' });
    expect(security.tls).toEqual({ ca: 'CA', servername: 'api' });
    // the same object, so that connections made with it are kept
    expect((await credentials.authorize()).tls).toBe(security.tls);
  });

  it('is the one of another context when that is asked for', async () => {
    const credentials = await loadCredentials({ kubeconfig: kubeconfig('contexts', 'token: abc'), context: 'there' });
    expect(credentials.namespace).toBe('default');
    expect((await credentials.authorize()).headers).toEqual({});
  });

  it('names files beside itself: certificate, key, CA', async () => {
    write('ca.pem', 'CA');
    write('cert.pem', 'CERT');
    write('key.pem', 'KEY');
    const file = kubeconfig(
      'files',
      'client-certificate: cert.pem, client-key: key.pem',
      'server: https://a, certificate-authority: ca.pem',
    );
    expect((await (await loadCredentials({ kubeconfig: file })).authorize()).tls).toEqual({ ca: 'CA', cert: 'CERT', key: 'KEY' });
  });

  it('names a token file, which is read again when the token was refused', async () => {
    write('token.txt', 'one\n');
    const credentials = await loadCredentials({ kubeconfig: kubeconfig('token-file', 'tokenFile: token.txt') });
    const authorization = async () => (await credentials.authorize()).headers['authorization'];
    expect(await authorization()).toBe('Bearer one');
    write('token.txt', 'two\n');
    expect(await authorization()).toBe('Bearer one');
    credentials.forget();
    expect(await authorization()).toBe('Bearer two');
  });

  it('has certificates read again after a minute', async () => {
    write('rotated.pem', 'OLD');
    let nowMs = 0;
    const file = kubeconfig('rotated', 'token: abc', 'server: https://a, certificate-authority: rotated.pem');
    const credentials = await loadCredentials({ kubeconfig: file, now: () => nowMs });
    const { tls } = await credentials.authorize();
    write('rotated.pem', 'NEW');
    nowMs = 59_000;
    expect((await credentials.authorize()).tls).toBe(tls);
    nowMs = 60_000;
    expect((await credentials.authorize()).tls).toEqual({ ca: 'NEW' });
  });

  it('has a user with a password, or one who acts for another', async () => {
    const { headers } = await (
      await loadCredentials({ kubeconfig: kubeconfig('password', 'username: me, password: secret, as: you') })
    ).authorize();
    expect(headers).toEqual({ authorization: `Basic ${base64('me:secret')}`, 'impersonate-user': 'you' });
  });

  it('runs an exec plugin, tells it the version, and runs it again when the token has expired or was refused', async () => {
    const program = write(
      'plugin.mjs',
      `import { appendFileSync, readFileSync } from 'node:fs';
       appendFileSync(${JSON.stringify(path('runs'))}, 'x');
       const runs = readFileSync(${JSON.stringify(path('runs'))}, 'utf8').length;
       const { apiVersion, spec } = JSON.parse(process.env.KUBERNETES_EXEC_INFO);
       const expirationTimestamp = new Date(Date.now() + (runs === 1 ? -1_000 : 3_600_000)).toISOString();
       console.log(JSON.stringify({ apiVersion, kind: 'ExecCredential', status: { token: [process.argv[2], runs, spec.interactive].join('-'), expirationTimestamp } }));`,
    );
    const exec = `exec: { apiVersion: client.authentication.k8s.io/v1, command: ${JSON.stringify(process.execPath)}, args: [${JSON.stringify(program)}, word] }`;
    const credentials = await loadCredentials({ kubeconfig: kubeconfig('exec', exec) });
    const authorization = async () => (await credentials.authorize()).headers['authorization'];
    expect(await authorization()).toBe('Bearer word-2-false');
    expect(await authorization()).toBe('Bearer word-2-false');
    credentials.forget();
    expect(await authorization()).toBe('Bearer word-3-false');
  });

  it('says why an exec plugin failed', async () => {
    const program = write('failing.mjs', `console.error('log in first'); process.exitCode = 3;`);
    const exec = `exec: { command: ${JSON.stringify(process.execPath)}, args: [${JSON.stringify(program)}] }`;
    await expect(loadCredentials({ kubeconfig: kubeconfig('failing', exec) })).rejects.toMatchObject({
      code: 'CELERIAC_E_CONFIG',
      message: expect.stringContaining('log in first'),
    });
  });

  it('may be several files, of which the first to name something has its way', async () => {
    const first = write('first', `contexts: [{ name: here, context: { cluster: c, user: u, namespace: first } }]\n`);
    const credentials = await loadCredentials({ env: { KUBECONFIG: `${first}:${kubeconfig('second', 'token: abc')}` } });
    expect(credentials).toMatchObject({ server: 'https://10.0.0.1:6443', namespace: 'first' });
  });

  it.each([
    ['a missing file', () => loadCredentials({ kubeconfig: path('nowhere') }), 'no such file'],
    ['no YAML', () => loadCredentials({ kubeconfig: write('broken', 'token: [s3cret') }), 'not a kubeconfig'],
    [
      'an unknown context',
      () => loadCredentials({ kubeconfig: kubeconfig('known', 'token: s3cret'), context: 'x' }),
      'there are: here, there',
    ],
    ['plain HTTP', () => loadCredentials({ kubeconfig: kubeconfig('plain', 'token: s3cret', 'server: http://10.0.0.1') }), 'https://'],
    ['no address', () => loadCredentials({ kubeconfig: kubeconfig('none', 'token: s3cret', 'server: nothing') }), 'https://'],
  ])('is refused with %s, without a secret in the text', async (_what, load, text) => {
    const error: unknown = await load().then(
      () => null,
      (reason: unknown) => reason,
    );
    expect(error).toMatchObject({ code: 'CELERIAC_E_CONFIG', message: expect.stringContaining(text) });
    expect(String(error)).not.toContain('s3cret');
  });
});

describe('the service account of a pod', () => {
  it('is found by environment and files', async () => {
    write('ca.crt', 'CA');
    write('token', 'abc');
    write('namespace', 'team');
    const env = { KUBERNETES_SERVICE_HOST: 'fd00::1', KUBERNETES_SERVICE_PORT: '6443' };
    const credentials = await loadCredentials({ env, serviceAccountDir: dir });
    expect(credentials).toMatchObject({ server: 'https://[fd00::1]:6443', namespace: 'team' });
    expect(await credentials.authorize()).toEqual({ headers: { authorization: 'Bearer abc' }, tls: { ca: 'CA' }, agent: null });
  });

  it('is missed with a word on what there could be', async () => {
    await expect(loadCredentials({ serviceAccountDir: path('none') })).rejects.toMatchObject({
      code: 'CELERIAC_E_CONFIG',
      message: expect.stringContaining('neither a kubeconfig'),
    });
  });
});

it('takes the long way of the library behind a proxy', async () => {
  const file = kubeconfig('proxy', 'token: abc', 'server: https://a, proxy-url: http://127.0.0.1:3128');
  const security = await (await loadCredentials({ kubeconfig: file })).authorize();
  expect(security.agent).not.toBeNull();
  expect(security.headers).toEqual({ authorization: 'Bearer abc' });
});
