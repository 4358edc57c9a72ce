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
