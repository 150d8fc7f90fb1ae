// An OpenID provider for the tests: panva's `oidc-provider`, certified by the OpenID Foundation. Nobody is asked for a password or for consent. Prints its address when it listens.
import { generateKeyPairSync } from 'node:crypto';
import { createServer } from 'node:http';
import { pathToFileURL } from 'node:url';

// Of Node.js 22, which it is written for.
URL.parse ??= (...parts) => (URL.canParse(...parts) ? new URL(...parts) : null);
// Its remarks are about what only a test may do.
console.info = console.warn = () => {};
const folder = process.env.AISLE_OIDC_PROVIDER;
const { default: Provider } = await import(pathToFileURL(`${folder}/lib/index.js`));

const [redirect, algorithm, host, client, secret] = process.argv.slice(1);
const jwk = (...kind) => generateKeyPairSync(...kind).privateKey.export({ format: 'jwk' });
const keys = [jwk('rsa', { modulusLength: 2048 }), jwk('ec', { namedCurve: 'P-256' })];
const people = {
  alice: { preferred_username: 'Alice <b>', groups: ['fleet', 'unheard-of'] },
  carol: { preferred_username: 'Carol', groups: ['privacy'] },
  nobody: { preferred_username: 'Nobody', groups: ['cooks'] },
};

const server = createServer();
server.listen(0, '127.0.0.1', () => {
  const issuer = `http://${host}:${server.address().port}`;
  const provider = new Provider(issuer, {
    clients: [{
      client_id: client,
      client_secret: secret,
      redirect_uris: [redirect],
      response_types: ['code'],
      grant_types: ['authorization_code'],
      id_token_signed_response_alg: algorithm,
    }],
    jwks: { keys: keys.map((key, at) => ({ ...key, kid: `key-${at}`, use: 'sig' })) },
    cookies: { keys: ['a test keeps no secret'] },
    claims: { openid: ['sub'], profile: ['preferred_username', 'groups'] },
    // As the standard says: what a scope names is told by `userinfo`, not by the token.
    conformIdTokenClaims: true,
    enabledJWA: { idTokenSigningAlgValues: ['RS256', 'PS256', 'ES256'] },
    findAccount: (_, id) => ({ accountId: id, claims: () => ({ sub: id, ...people[id] }) }),
    features: { devInteractions: { enabled: false } },
    interactions: { url: (_, interaction) => `/sign-in/${interaction.uid}` },
    loadExistingGrant: async (ctx) => {
      const grant = new ctx.oidc.provider.Grant({
        clientId: ctx.oidc.client.clientId,
        accountId: ctx.oidc.session.accountId,
      });
      grant.addOIDCScope('openid profile');
      await grant.save();
      return grant;
    },
  });
  provider.use(async (ctx, next) => {
    if (!ctx.path.startsWith('/sign-in/')) return next();
    // A test says who it is by a header, a person at a browser in a form; somebody who gives up leaves it empty.
    const login = ctx.headers['x-login'] ?? ctx.query.login;
    if (login === undefined) {
      ctx.type = 'html';
      ctx.body = '<!doctype html><title>Who are you?</title><form><input name="login"><button>Go on</button></form>';
      return;
    }
    const result = login ? { login: { accountId: login } } : { error: 'access_denied' };
    ctx.status = 303;
    ctx.redirect(await provider.interactionResult(ctx.req, ctx.res, result));
  });
  server.on('request', provider.callback());
  process.stdout.write(`${issuer}\n`);
});
