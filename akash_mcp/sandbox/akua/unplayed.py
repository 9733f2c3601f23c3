"""What exists at Akua and is not played here: a request for it is answered 501.

By path, as its document of August and the newer contract have them.
"""

from __future__ import annotations

from collections.abc import Iterator

_UNPLAYED = """
/snippets GET POST
/snippets:usage GET
/snippets/{id}:usage GET
/snippets/{id} GET PATCH DELETE
/snippets:execute POST
/snippets/{id}:execute POST
/snippets/{id}/runs POST GET
/snippets/{id}/runs/{run_id} GET
/snippet_runs GET
/snippet_runs/{id} GET
/dashboards GET POST
/dashboards/workspace_overview GET
/dashboards/{id} GET PATCH DELETE
/dashboards/{id}/revisions GET POST
/dashboards/{id}/revisions/{revision_id} GET
/dashboards/{id}/revisions/{revision_id}:restore POST
/dashboards/{id}:resetToRecommended POST
/dashboards/{id}/widgets POST GET
/dashboards/{id}/widgets/{wgt_id} GET PATCH DELETE
/products POST
/products/{id} PATCH
/products/{id}:archive POST
/products/{id}:unarchive POST
/machines POST GET
/machines/{id} GET PATCH DELETE
/machines/{id}:suspend POST
/machines/{id}:resume POST
/machines/{id}/drift_reports POST GET
/machines/{id}/drift_reports/{report_id} GET
/machines/{id}/suspension_events GET
/machines/{id}/suspension_events/{event_id} GET
/compute_configs POST GET
/compute_configs/{id} GET PATCH DELETE
/offers GET POST
/offers/{id} GET
/offers:resolve GET
/offers/{id}:archive POST
/offers/{id}:unarchive POST
/offers/{offer}/order_drafts POST
/order_drafts GET
/order_drafts/{id} GET
/order_drafts/{id}:cancel POST
/order_drafts/{id}:claim POST
/order_drafts/{id}:selectWorkspace POST
/order_drafts/{id}:submitConfiguration POST
/order_drafts/{id}:createWorkerBootstrap POST
/order_drafts/{id}/checkout_sessions POST GET
/order_drafts/{id}/checkout_sessions/{chk_id} GET
/entitlements GET
/packages/{id} DELETE
/packages/{id}/versions POST
/packages/artifacthub/{package_id}/versions/{version}/values_schema GET
/packages:import POST
/workspaces POST
/workspaces/{id} PATCH DELETE
/workspaces/{id}/members GET POST
/workspaces/{id}/members/{userId} PATCH DELETE
/workspaces/{id}/subscription GET
/workspaces/{id}/management GET
/workspaces/{id}:revokeManagement POST
/workspaces/{id}/subscription:cancel POST
/workspaces/{id}/subscription:reactivate POST
/workspaces/{id}/subscription:changeTier POST
/workspaces/{id}/subscription/change_requests GET
/workspaces/{id}/subscription/change_requests/{req_id} GET
/api_tokens POST GET
/api_tokens/{id} DELETE
/clusters/{id} PATCH
/clusters:import POST
/clusters/{id}/capabilities GET
/clusters/{id}/capabilities:refresh POST
/clusters/{id}/kubeconfig GET
/clusters/{id}/kube_proxy/* GET
/clusters/{id}:exec POST
/clusters/{id}/worker_bootstraps POST GET
/clusters/{id}/worker_bootstraps/{wbs_id} GET
/clusters/{id}/worker_bootstraps/{wbs_id}:revoke POST
/installs/{id}/automatic_updates PATCH
/repository_change_requests POST GET
/repository_change_requests/{id}:createToken POST
/repository_change_requests/{id} GET
/repository_change_requests/{id}:accept POST
/repository_change_requests/{id}:reject POST
/repository_change_requests/{id}:withdraw POST
/secrets POST GET
/secrets/{id} GET PATCH DELETE
/secrets/{id}:undelete POST
/secrets/validate_token POST
/secrets/{id}/versions POST GET
/secrets/{id}/versions/{vid} GET
/secrets/{id}/versions/{vid}:enable POST
/secrets/{id}/versions/{vid}:disable POST
/secrets/{id}/versions/{vid}:destroy POST
/secrets/{id}/versions/{vid}:access POST
/organizations GET POST
/organizations/{id} GET PATCH DELETE
/organizations/{id}/members GET POST
/organizations/{id}/invitations GET POST
/organizations/{id}/invitations/{invitationId}/resend POST
/organizations/{id}/invitations/{invitationId} DELETE
/organization_invitations/accept POST
/organizations/{id}/members/{userId} PATCH DELETE
/organizations/{id}/workspaces GET
/notifications GET
/notifications/unread_count GET
/notifications/{id}/read PATCH
/notifications/mark_all_read POST
/registry_connections GET POST
/registry_connections/{id} DELETE
/agents POST GET
/agents/{id} GET PATCH DELETE
/agents/{id}:enable POST
/agent_skills GET
/agent_skills/{id} GET
/agent_templates GET
/agent_templates/{id} GET
/agent_preferences GET PATCH
/agent_sessions POST GET
/agent_sessions:detectConflicts GET
/agent_sessions/{id} GET DELETE
/agent_sessions/{id}:setRetention POST
/agent_turns POST GET
/agent_turns/{id} GET
/agent_turns/{id}:cancel POST
/agent_turns/{id}:emit POST
/agent_provider_exchanges GET
/agent_events:stream GET
/agent_events GET
/approval_requests GET
/approval_requests/{id}:resolve POST
/workspaces/{id}/subdomain GET
/workspaces/{id}/subdomain:setName POST
/installs/{id}/preview_hostnames GET
/installs/{id}/preview_hostnames/{preview_hostname_id} GET DELETE
/installs/{id}/preview_hostnames:bindPinned POST
/installs/{id}/preview_hostnames:bindFloating POST
/workspaces/{id}/custom_domains GET POST
/workspaces/{id}/custom_domains/{custom_domain_id} GET PATCH DELETE
/cloudflare_connections GET POST
/cloudflare_connections/{id} DELETE
/access_decisions POST
/access_decisions:explainBatch POST
/repositories POST
/repositories/{id}:createToken POST
/regions/{id} PATCH DELETE
/agent_response_parts GET
"""


def unplayed() -> Iterator[tuple[str, str]]:
    """Each method with the template of its path."""
    for line in _UNPLAYED.split("\n"):
        path, *methods = line.split() or [""]
        for method in methods:
            yield method, path
