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
{{- if hasKey $scaling "fallback" -}}
{{- $replicas := get $scaling.fallback "replicas" -}}
{{- if not (hasKey $scaling.fallback "replicas") }}
- {{ printf "%s.fallback has no replicas; say how many to run while signals are missing" $at | quote }}
{{- else if gt (int64 $replicas) $max }}
- {{ printf "%s.fallback.replicas is %d, above max, which is %d; lower it or raise max" $at (int64 $replicas) $max | quote }}
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
{{- range $index, $window := $scaling.schedules -}}
{{- if not (or (hasKey . "min") (hasKey . "max")) }}
- {{ printf "%s.schedules[%d] says neither min nor max; give one or both" $at $index | quote }}
{{- else if le $min $max -}}
{{- $least := $min -}}
{{- $most := $max -}}
{{- if hasKey . "min" -}}{{- $least = int64 .min -}}{{- end -}}
{{- if hasKey . "max" -}}{{- $most = int64 .max -}}{{- end -}}
{{- if gt $least $most }}
- {{ printf "%s.schedules[%d]: min is %d, above max, which is %d; lower min or raise max" $at $index $least $most | quote }}
{{- end -}}
{{- end -}}
{{- end -}}
{{- range $queue := keys (dig "goal" "queues" dict $scaling) | sortAlpha -}}
{{- if not (has $queue ($.pool.queues | default list)) }}
- {{ printf "%s.goal.queues names %q, which is not one of the pool's queues; correct the name" $at $queue | quote }}
{{- end -}}
{{- end -}}
{{- with .pool.budget -}}
{{- $budgets := $.root.Values.budgets | default dict -}}
{{- if not (hasKey $budgets (.from | default "")) }}
- {{ printf "pools.%s.budget.from is %q, which is not in budgets; add it there or correct the name" $.name (.from | default "") | quote }}
{{- else -}}
{{- $limits := get $budgets .from -}}
{{- range $resource := list "cpu" "memory" -}}
{{- if and (hasKey $limits $resource) (not (hasKey ($.pool.size | default dict) $resource)) }}
- {{ printf "budget %s limits %s, and pools.%s does not say what one replica has; set pools.%s.size.%s" $.pool.budget.from $resource $.name $.name $resource | quote }}
{{- end -}}
{{- end -}}
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
{{- $repository := (.pool.image | default dict).repository | default .root.Values.image.repository -}}
{{- if and (eq .pool.kind "python") (hasSuffix "celeriac/worker" $repository) }}
- {{ printf "%s is of kind python, and its image %s has no Python; set %s.image.repository to yours" $at $repository $at | quote }}
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

