import { readFile } from 'node:fs/promises'
import { KubeConfig } from '@kubernetes/client-node'
import type { ClusterAddress } from '../settings.ts'

/** A token in a file is a short-lived one: kubelets and others write the next one in its place. */
const rereadMilliseconds = 60_000

/** The configuration of a cluster that is given by its address alone, as a kubeconfig gives it. */
export function clusterConfig({ url, token, tokenFile, ca, verify }: ClusterAddress): KubeConfig {
  const config = new KubeConfig()
  const user = tokenFile === undefined ? { name, token } : { name, authProvider: { name: 'file' } }
  config.loadFromOptions({
    clusters: [
      { name, server: url, caData: ca && Buffer.from(ca).toString('base64'), skipTLSVerify: !verify },
    ],
    users: [user],
    contexts: [{ name, cluster: name, user: name }],
    currentContext: name,
  })
  if (tokenFile !== undefined) config.addAuthenticator(tokenInFile(tokenFile))
  return config
}

const name = 'cluster'

type Authenticator = Parameters<KubeConfig['addAuthenticator']>[0]

function tokenInFile(path: string): Authenticator {
  let last = { token: '', at: Number.NEGATIVE_INFINITY }
  return {
    isAuthProvider: (user) => user.authProvider?.name === 'file',
    async applyAuthentication(_user, options) {
      if (performance.now() - last.at > rereadMilliseconds) {
        last = { token: (await readFile(path, 'utf8')).trim(), at: performance.now() }
      }
      Object.assign(options.headers ?? {}, { Authorization: `Bearer ${last.token}` })
    },
  }
}
