import type { EffectiveStep } from '../../../job/steps/effective-steps.ts'
import { defined } from '../../../util/objects.ts'
import type { Container } from '../api/objects.ts'

/**
 * Limits equal to the requests, unless the job's request has smaller ones: quotas demand both, and a
 * program gets exactly what the job's request says. Kubernetes takes devices in no other way. The
 * pod reserves the largest of its steps' amounts.
 */
export function programResources(program: Partial<EffectiveStep>): NonNullable<Container['resources']> {
  const { cpu, cpu_request: cpuRequest, memory, memory_request: memoryRequest } = program
  const { gpu, extended_resources: devices = {}, ephemeral_storage: disk } = program
  const counts = Object.entries({ ...(gpu && { 'nvidia.com/gpu': gpu }), ...devices })
  const others = {
    ...defined({ 'ephemeral-storage': disk }),
    ...Object.fromEntries(counts.filter(([, count]) => count > 0).map(([name, count]) => [name, `${count}`])),
  }
  return {
    requests: { ...defined({ cpu: cpuRequest ?? cpu, memory: memoryRequest ?? memory }), ...others },
    limits: { ...defined({ cpu, memory }), ...others },
  }
}
