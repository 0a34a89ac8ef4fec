import { readFileSync } from 'node:fs'
import type { Config } from '../config/config.ts'
import { clusterDomains, serviceNames } from '../http/auth/hosts.ts'
import type { HttpOptions } from '../http/options.ts'
import type { PolicyContext } from '../job/policy/judged-request.ts'
import { fieldsWithScope } from '../job/request/fields.ts'

/** How the backend of the settings differs from others, for the parts that depend on it. */
export interface BackendTraits {
  /** Request fields without a meaning here, and those that callers may not set. */
  fields: Pick<HttpOptions, 'ignoredFields' | 'refusedFields' | 'namedVariablesOnly'>
  /** True: callers can ask for images, claims and the like, which a policy should limit. */
  needsPolicy: boolean
  /** True: callers run any command as the user of this process. */
  runsCommandsAsThisUser: boolean
  /** The Pod Security Standard of its namespace; undefined where jobs have no pods. */
  podSecurity: PolicyContext['podSecurity']
  /** The folder of its jobs, which this process alone uses; undefined where jobs need none. */
  dataDirectory: string | undefined
  /** Host names under which jobs and their neighbours reach this API. */
  hostNames(): string[]
}

export function backendTraits(config: Config): BackendTraits {
  switch (config.backend) {
    case 'local':
      return localTraits(config)
    case 'kubernetes':
      return kubernetesTraits(config)
  }
}

function localTraits({ local: { allowCommands, dataDirectory } }: Config): BackendTraits {
  return {
    fields: {
      ignoredFields: fieldsWithScope('cluster'),
      refusedFields: allowCommands ? {} : refusedCommands(),
      // A variable can name code to run: NODE_OPTIONS, BASH_ENV, LD_PRELOAD.
      namedVariablesOnly: !allowCommands,
    },
    needsPolicy: false,
    runsCommandsAsThisUser: allowCommands,
    podSecurity: undefined,
    dataDirectory,
    hostNames: () => [],
  }
}

function kubernetesTraits({ kubernetes, jobs }: Config): BackendTraits {
  return {
    fields: {},
    needsPolicy: true,
    runsCommandsAsThisUser: false,
    podSecurity: kubernetes.podSecurity,
    dataDirectory: undefined,
    hostNames: () => serviceNames(jobs.namespace, clusterDomains(resolvConf())),
  }
}

/** Fields that name what is run, each with what is expected instead. */
function refusedCommands(): Record<string, string> {
  const configured = 'a configured job (field job), or LOCAL_ALLOW_COMMANDS=1 in the settings'
  return Object.fromEntries(fieldsWithScope('commands').map((field) => [field, configured]))
}

function resolvConf(): string {
  try {
    return readFileSync('/etc/resolv.conf', 'utf8')
  } catch {
    return ''
  }
}
