import { publicKeysAnswer, tokenAnswer, tokenErrorAnswer } from '../../answers/data-space-answers.ts'
import { type Content, json, jsonContent, type Operations } from '../operation.ts'
import { header } from '../parameters.ts'

const refused: Content = jsonContent(tokenErrorAnswer, {
  refused: { error: 'invalid_grant', error_description: 'The refresh token is unknown' },
})

/** Tokens for data and for control planes, and the keys that sign them. */
export const tokenOperations: Operations = {
  'POST /token': {
    id: 'getToken',
    tag: 'dataspace',
    summary: 'Renews an access token to data, or gives a control plane a token (RFC 6749)',
    parameters: [
      header(
        'Authorization',
        'As RFC 6749 says: Basic, or the signed token of a renewal',
        'Basic Y29ubmVjdG9yOnNlY3JldA==',
      ),
    ],
    body: [
      {
        type: 'application/x-www-form-urlencoded',
        schema: {
          type: 'object',
          properties: {
            grant_type: { type: 'string', enum: ['refresh_token', 'client_credentials'] },
            refresh_token: { type: 'string' },
            client_id: { type: 'string' },
            client_secret: { type: 'string' },
          },
          required: ['grant_type'],
        },
        examples: { renewal: { grant_type: 'refresh_token', refresh_token: '<token>' } },
      },
    ],
    bodyIsOptional: true,
    answers: {
      200: {
        description: 'A token',
        content: json(tokenAnswer, { access_token: '<token>', token_type: 'Bearer', expires_in: 300 }),
      },
      400: { description: 'The request is wrong, or the token to renew is', content: [refused] },
      401: {
        description: 'The caller is unknown',
        headers: ['WWW-Authenticate'],
        content: [refused],
      },
      503: { description: 'Ask again later', headers: ['Retry-After'], content: [refused] },
    },
    access: 'token-request',
  },
  'GET /.well-known/jwks.json': {
    id: 'getPublicKeys',
    tag: 'dataspace',
    summary: 'The public key with which this data plane signs tokens (RFC 7517)',
    answers: {
      200: {
        description: 'A JSON Web Key Set',
        content: json(publicKeysAnswer, {
          keys: [{ kty: 'EC', crv: 'P-256', x: 'f83OJ3D2xF1B…', y: 'x_FEzRu9m36H…', kid: '1' }],
        }),
      },
    },
    access: 'open',
  },
}
