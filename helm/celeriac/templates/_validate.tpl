{{/*
What is wrong with values each of which is right by itself: one rule, one sentence that says what to change. All are told together.
*/}}
{{- define "celeriac.validate" -}}
{{- $faults := list -}}
{{- $root := . -}}
{{- $pools := dict -}}
{{- include "celeriac.pools" (dict "root" . "into" $pools) -}}
{{- range $part := list "broker" "resultBackend" -}}
{{- $values := get $root.Values $part -}}
{{- if and $values.url $values.existingSecret.name -}}
{{- $faults = append $faults (printf "%s.url and %s.existingSecret.name are both set; keep one of them" $part $part) -}}
{{- end -}}
{{- end -}}
{{- if not (or .Values.broker.url .Values.broker.existingSecret.name) -}}
{{- $faults = append $faults "no broker; set broker.url, or broker.existingSecret.name to a Secret that holds the URL" -}}
{{- end -}}
{{- if not $pools -}}
{{- $faults = append $faults "no pools; add one, such as pools: { default: { queues: [celery] } }" -}}
{{- end -}}
{{- $faults = concat $faults (include "celeriac.validate.queues" $pools | fromYamlArray) -}}
{{- range $name, $pool := $pools -}}
{{- $given := dict "root" $root "name" $name "pool" $pool "given" (get $root.Values.pools $name | default dict) -}}
{{- $faults = concat $faults (include "celeriac.validate.scaling" $given | fromYamlArray) -}}
{{- if $pool.owned -}}
{{- $faults = concat $faults (include "celeriac.validate.owned" $given | fromYamlArray) -}}
{{- else -}}
{{- $faults = concat $faults (include "celeriac.validate.existing" $given | fromYamlArray) -}}
{{- end -}}
{{- end -}}
{{- $faults = concat $faults (include "celeriac.validate.tests" (dict "root" . "pools" $pools) | fromYamlArray) -}}
{{- $faults = concat $faults (include "celeriac.validate.kinds" (dict "root" . "pools" $pools) | fromYamlArray) -}}
{{- if $faults -}}
{{- fail (printf "\n\nvalues of celeriac:\n  - %s\n" (join "\n  - " $faults)) -}}
{{- end -}}
{{- end -}}

{{/* A queue, and a Deployment, belong to one pool. Given the pools. */}}
{{- define "celeriac.validate.queues" -}}
{{- $owners := dict -}}
{{- $targets := dict -}}
{{- range $name, $pool := . -}}
{{- if not $pool.queues }}
- {{ printf "pools.%s has no queues; set pools.%s.queues, such as [celery]" $name $name | quote }}
{{- end -}}
{{- range $queue := $pool.queues -}}
{{- if eq (get $owners $queue) $name }}
- {{ printf "pools.%s names queue %q twice; remove one" $name $queue | quote }}
{{- else if hasKey $owners $queue }}
- {{ printf "queue %q is in pools %s and %s; a queue belongs to one pool: remove it from one, or give both pools' queues to one pool" $queue (get $owners $queue) $name | quote }}
{{- end -}}
{{- $_ := set $owners $queue $name -}}
{{- end -}}
{{- $target := printf "%s/%s" $pool.objectNamespace $pool.objectName -}}
{{- if hasKey $targets $target }}
- {{ printf "pools %s and %s scale the same Deployment %s; give both pools' queues to one pool" (get $targets $target) $name $target | quote }}
{{- end -}}
{{- $_ := set $targets $target $name -}}
{{- end -}}
{{- end -}}

{{/* Given root, name, pool and given: the pool as it stands in values. */}}
{{- define "celeriac.validate.scaling" -}}
{{- $scaling := .pool.scaling | default dict -}}
{{- $at := printf "pools.%s.scaling" .name -}}
{{- $min := int64 ($scaling.min | default 0) -}}
{{- $max := 10 -}}
{{- if hasKey $scaling "max" -}}{{- $max = int64 $scaling.max -}}{{- end -}}
{{- if not (has .pool.by (list "celeriac" "keda" "none")) }}
- {{ printf "%s.by is %q; it may be celeriac, keda or none" $at .pool.by | quote }}
{{- end -}}
{{- if gt $min $max }}
- {{ printf "%s.min is %d, above max, which is %d; lower min or raise max" $at $min $max | quote }}
{{- end -}}
{{- with $scaling.fallback -}}
{{- if gt (int64 .replicas) $max }}
- {{ printf "%s.fallback.replicas is %d, above max, which is %d; lower it or raise max" $at (int64 .replicas) $max | quote }}
{{- end -}}
{{- end -}}
{{- if and (ne .pool.by "none") (not .root.Values.autoscaler.enabled) }}
- {{ printf "%s.by is %s and autoscaler.enabled is false; enable the autoscaler, or set by: none and pools.%s.replicas" $at .pool.by .name | quote }}
{{- end -}}
{{- if and (hasKey .given "replicas") (ne .pool.by "none") }}
- {{ printf "pools.%s.replicas is set and %s.by is %s, so nobody would heed it; set %s.min, or by: none" .name $at .pool.by $at | quote }}
{{- end -}}
{{- if and (eq .pool.by "keda") (ne ($scaling.mode | default "on" | toString) "on") (ne (toString $scaling.mode) "true") }}
- {{ printf "%s.mode has no meaning with by: keda; remove it, or pause KEDA by pools.%s.keda.annotations" $at .name | quote }}
{{- end -}}
{{- if and (hasKey .given "keda") (ne .pool.by "keda") }}
- {{ printf "pools.%s.keda is set and %s.by is %s; set by: keda, or remove it" .name $at .pool.by | quote }}
{{- end -}}
{{- with .pool.budget -}}
{{- if not (hasKey ($.root.Values.budgets | default dict) (.from | default "")) }}
- {{ printf "pools.%s.budget.from is %q, which is not in budgets; add it there or correct the name" $.name (.from | default "") | quote }}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* Pools whose Deployment is the chart's. */}}
{{- define "celeriac.validate.owned" -}}
{{- $at := printf "pools.%s" .name -}}
{{- if eq .name "autoscaler" }}
- {{ printf "a pool must not be called autoscaler, whose Deployment has that name; rename pools.autoscaler" | quote }}
{{- end -}}
{{- if gt (len .pool.objectName) 63 }}
- {{ printf "%s: the name %s has %d characters, at most 63 are possible; shorten the pool's name or set fullnameOverride" $at .pool.objectName (len .pool.objectName) | quote }}
{{- end -}}
{{- if not (has .pool.kind (list "node" "python")) }}
- {{ printf "%s.kind is %q; it may be node or python" $at .pool.kind | quote }}
{{- end -}}
{{- if not (or .pool.app .pool.command) }}
- {{ printf "%s.app is missing; say which module holds its tasks, such as app: %s (or set defaults.app)" $at (eq .pool.kind "python" | ternary "proj" "tasks.ts") | quote }}
{{- end -}}
{{- $grace := int64 .pool.terminationGracePeriodSeconds -}}
{{- $least := add (int64 (.pool.timeLimitSeconds | default 0)) 35 -}}
{{- if and .pool.timeLimitSeconds (lt $grace $least) }}
- {{ printf "%s.terminationGracePeriodSeconds is %d, but tasks may run for %d s (timeLimitSeconds) and a worker needs 35 s more to end; set it to at least %d" $at $grace (int64 .pool.timeLimitSeconds) $least | quote }}
{{- else if and (eq .pool.kind "python") (lt $grace 65) }}
- {{ printf "%s.terminationGracePeriodSeconds is %d; a Python worker can need 65 s to end without a task; set it to at least 65" $at $grace | quote }}
{{- else if lt $grace 15 }}
- {{ printf "%s.terminationGracePeriodSeconds is %d; a worker drains for 10 s less than that; set it to at least 15" $at $grace | quote }}
{{- end -}}
{{- if and .pool.timeLimitSeconds .pool.softTimeLimitSeconds (ge (int64 .pool.softTimeLimitSeconds) (int64 .pool.timeLimitSeconds)) }}
- {{ printf "%s.softTimeLimitSeconds is %d, not below timeLimitSeconds, which is %d; lower it" $at (int64 .pool.softTimeLimitSeconds) (int64 .pool.timeLimitSeconds) | quote }}
{{- end -}}
{{- range $variable := list "CELERY_BROKER_URL" "CELERY_RESULT_BACKEND" -}}
{{- if hasKey ($.pool.env | default dict) $variable }}
- {{ printf "%s.env.%s would hide the chart's; set %s instead" $at $variable (eq $variable "CELERY_BROKER_URL" | ternary "broker" "resultBackend") | quote }}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* Pools whose Deployment is somebody else's: what would shape its pods has no effect. */}}
{{- define "celeriac.validate.existing" -}}
{{- $known := list "queues" "concurrency" "scaling" "size" "budget" "target" "keda" "replicas" "existingDeployment" -}}
{{- range $key := keys .given | sortAlpha -}}
{{- if not (has $key $known) }}
- {{ printf "pools.%s.%s has no effect with existingDeployment, whose pods are not the chart's; remove one of the two" $.name $key | quote }}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* What `helm test` needs. Given root and pools. */}}
{{- define "celeriac.validate.tests" -}}
{{- $tests := .root.Values.tests -}}
{{- if $tests.enabled -}}
{{- if not $tests.task }}
- {{ "tests.task is empty; name a task of the pool that may be called at any time, or set tests.enabled: false" | quote }}
{{- end -}}
{{- if and $tests.pool (not (hasKey .pools $tests.pool)) }}
- {{ printf "tests.pool is %q, which is not in pools; correct the name" $tests.pool | quote }}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* Kinds of other projects that values ask for. Given root and pools. */}}
{{- define "celeriac.validate.kinds" -}}
{{- $metrics := .root.Values.metrics -}}
{{- $asked := list -}}
{{- if $metrics.serviceMonitor.enabled -}}{{- $asked = append $asked (list "metrics.serviceMonitor.enabled is true" "monitoring.coreos.com/v1/ServiceMonitor" "the Prometheus operator" "set it to false") -}}{{- end -}}
{{- if $metrics.podMonitor.enabled -}}{{- $asked = append $asked (list "metrics.podMonitor.enabled is true" "monitoring.coreos.com/v1/PodMonitor" "the Prometheus operator" "set it to false") -}}{{- end -}}
{{- if $metrics.prometheusRule.enabled -}}{{- $asked = append $asked (list "metrics.prometheusRule.enabled is true" "monitoring.coreos.com/v1/PrometheusRule" "the Prometheus operator" "set it to false") -}}{{- end -}}
{{- range $name, $pool := .pools -}}
{{- if eq $pool.by "keda" -}}{{- $asked = append $asked (list (printf "pools.%s.scaling.by is keda" $name) "keda.sh/v1alpha1/ScaledObject" "KEDA" "set by: celeriac") -}}{{- end -}}
{{- end -}}
{{- range $asked -}}
{{- $kind := index . 1 -}}
{{- if not ($.root.Capabilities.APIVersions.Has $kind) }}
- {{ printf "%s, but the cluster does not know %s; install %s or %s (without a cluster: helm template --api-versions %s)" (index . 0) $kind (index . 2) (index . 3) $kind | quote }}
{{- end -}}
{{- end -}}
{{- end -}}
