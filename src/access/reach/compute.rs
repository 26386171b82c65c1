//! Links over services that run what they are given as a role: passed to them anew, or held already.
//!
//! Which actions make such a link is known from two tools; NOTICE names them.

use super::super::cell::Object;
use super::super::principal::{self, Principal, PrincipalKind};
use super::Link;
use super::cast::{Casts, Hand};
use super::proof::Proof;
use super::step::Step;
use crate::policy::{Access, Action, Context, ContextValue, Effect, Principal as Entry, Unanswered};

/// Actions that together make a service run something as a role.
struct Way {
    /// The service that must be trusted by the role.
    service: &'static str,
    /// All of them.
    actions: &'static [&'static str],
}

const fn way(service: &'static str, actions: &'static [&'static str]) -> Way {
    Way { service, actions }
}

const AGENTS: &str = "bedrock-agentcore.amazonaws.com";
const APP_RUNNER: &str = "tasks.apprunner.amazonaws.com";
const BUILDS: &str = "codebuild.amazonaws.com";
const CONTAINERS: &str = "ecs-tasks.amazonaws.com";
const FUNCTIONS: &str = "lambda.amazonaws.com";
const GLUE: &str = "glue.amazonaws.com";
/// Trusted as an identity provider, not as a service.
const IDENTITY_POOLS: &str = "cognito-identity.amazonaws.com";
const INSTANCES: &str = "ec2.amazonaws.com";
const MACHINES: &str = "states.amazonaws.com";
const NOTEBOOKS: &str = "sagemaker.amazonaws.com";
const STACKS: &str = "cloudformation.amazonaws.com";

/// Where the role is passed by `iam:PassRole`.
const PASSING: [Way; 44] = [
    way(
        AGENTS,
        &[
            "bedrock-agentcore:CreateCodeInterpreter",
            "bedrock-agentcore:StartCodeInterpreterSession",
            "bedrock-agentcore:InvokeCodeInterpreter",
        ],
    ),
    way(
        AGENTS,
        &[
            "bedrock-agentcore:CreateAgentRuntime",
            "bedrock-agentcore:CreateAgentRuntimeEndpoint",
            "bedrock-agentcore:CreateWorkloadIdentity",
            "bedrock-agentcore:InvokeAgentRuntimeCommand",
        ],
    ),
    way(
        AGENTS,
        &[
            "bedrock-agentcore:CreateBrowser",
            "bedrock-agentcore:StartBrowserSession",
            "bedrock-agentcore:ConnectBrowserAutomationStream",
        ],
    ),
    way(APP_RUNNER, &["apprunner:CreateService"]),
    way(BUILDS, &["codebuild:CreateProject", "codebuild:StartBuild"]),
    way(BUILDS, &["codebuild:CreateProject", "codebuild:StartBuildBatch"]),
    way(CONTAINERS, &["ecs:RegisterTaskDefinition", "ecs:RunTask"]),
    way(CONTAINERS, &["ecs:RegisterTaskDefinition", "ecs:CreateService"]),
    way(CONTAINERS, &["ecs:RegisterTaskDefinition", "ecs:StartTask"]),
    way(CONTAINERS, &["ecs:RunTask"]),
    way(CONTAINERS, &["ecs:StartTask"]),
    way(CONTAINERS, &["batch:RegisterJobDefinition", "batch:SubmitJob"]),
    way(FUNCTIONS, &["lambda:CreateFunction", "lambda:InvokeFunction"]),
    way(FUNCTIONS, &["lambda:CreateFunction", "lambda:CreateEventSourceMapping"]),
    way(FUNCTIONS, &["lambda:CreateFunction", "lambda:AddPermission"]),
    way(GLUE, &["glue:CreateDevEndpoint"]),
    way(GLUE, &["glue:CreateJob", "glue:StartJobRun"]),
    way(GLUE, &["glue:CreateJob", "glue:CreateTrigger"]),
    way(GLUE, &["glue:UpdateJob", "glue:StartJobRun"]),
    way(GLUE, &["glue:UpdateJob", "glue:CreateTrigger"]),
    way(GLUE, &["glue:CreateSession", "glue:RunStatement"]),
    way(INSTANCES, &["ec2:RunInstances"]),
    way(INSTANCES, &["ec2:RequestSpotInstances"]),
    way(INSTANCES, &["autoscaling:CreateLaunchConfiguration", "autoscaling:CreateAutoScalingGroup"]),
    way(INSTANCES, &["autoscaling:CreateLaunchConfiguration", "autoscaling:UpdateAutoScalingGroup"]),
    way(INSTANCES, &["elasticmapreduce:RunJobFlow"]),
    way(
        INSTANCES,
        &[
            "imagebuilder:CreateComponent",
            "imagebuilder:CreateImageRecipe",
            "imagebuilder:CreateInfrastructureConfiguration",
            "imagebuilder:CreateImage",
        ],
    ),
    way(MACHINES, &["states:CreateStateMachine", "states:StartExecution"]),
    way(NOTEBOOKS, &["sagemaker:CreateNotebookInstance"]),
    way(NOTEBOOKS, &["sagemaker:CreateTrainingJob"]),
    way(NOTEBOOKS, &["sagemaker:CreateProcessingJob"]),
    way(STACKS, &["cloudformation:CreateStack"]),
    way(STACKS, &["cloudformation:CreateStackSet", "cloudformation:CreateStackInstances"]),
    way(STACKS, &["cloudformation:UpdateStackSet"]),
    way("braket.amazonaws.com", &["braket:CreateJob"]),
    way("codestar.amazonaws.com", &["codestar:CreateProject"]),
    way(IDENTITY_POOLS, &["cognito-identity:SetIdentityPoolRoles"]),
    way(
        "datapipeline.amazonaws.com",
        &["datapipeline:CreatePipeline", "datapipeline:PutPipelineDefinition", "datapipeline:ActivatePipeline"],
    ),
    way("emr-serverless.amazonaws.com", &["emr-serverless:CreateApplication", "emr-serverless:StartJobRun"]),
    way("gamelift.amazonaws.com", &["gamelift:CreateBuild", "gamelift:CreateFleet"]),
    way("kinesisanalytics.amazonaws.com", &["kinesisanalytics:CreateApplication", "kinesisanalytics:StartApplication"]),
    way("omics.amazonaws.com", &["omics:CreateWorkflow", "omics:StartRun"]),
    way("scheduler.amazonaws.com", &["scheduler:CreateSchedule"]),
    way("ssm.amazonaws.com", &["ssm:CreateDocument", "ssm:StartAutomationExecution"]),
];

/// Where something of the service may run as the role already. Which role what runs as stands in no snapshot.
const HOLDING: [Way; 22] = [
    way(AGENTS, &["bedrock-agentcore:StartCodeInterpreterSession", "bedrock-agentcore:InvokeCodeInterpreter"]),
    way(AGENTS, &["bedrock-agentcore:InvokeAgentRuntimeCommand"]),
    way(AGENTS, &["bedrock-agentcore:StartBrowserSession", "bedrock-agentcore:ConnectBrowserAutomationStream"]),
    way(APP_RUNNER, &["apprunner:UpdateService"]),
    way(BUILDS, &["codebuild:StartBuild"]),
    way(BUILDS, &["codebuild:StartBuildBatch"]),
    way(CONTAINERS, &["ecs:ExecuteCommand", "ecs:DescribeTasks"]),
    way(CONTAINERS, &["batch:SubmitJob"]),
    way(FUNCTIONS, &["lambda:UpdateFunctionCode"]),
    way(FUNCTIONS, &["lambda:UpdateFunctionConfiguration"]),
    way(GLUE, &["glue:UpdateDevEndpoint"]),
    way(INSTANCES, &["ssm:SendCommand"]),
    way(INSTANCES, &["ssm:StartSession"]),
    way(INSTANCES, &["ec2-instance-connect:SendSSHPublicKey", "ec2:DescribeInstances"]),
    way(INSTANCES, &["ec2:ModifyInstanceAttribute", "ec2:StopInstances", "ec2:StartInstances"]),
    way(INSTANCES, &["ec2:CreateLaunchTemplateVersion", "ec2:ModifyLaunchTemplate"]),
    way(
        INSTANCES,
        &["codedeploy:CreateDeployment", "codedeploy:GetDeploymentConfig", "codedeploy:RegisterApplicationRevision"],
    ),
    way(MACHINES, &["states:UpdateStateMachine", "states:StartExecution"]),
    way(NOTEBOOKS, &["sagemaker:CreatePresignedNotebookInstanceUrl"]),
    way(
        NOTEBOOKS,
        &[
            "sagemaker:CreateNotebookInstanceLifecycleConfig",
            "sagemaker:StopNotebookInstance",
            "sagemaker:UpdateNotebookInstance",
            "sagemaker:StartNotebookInstance",
        ],
    ),
    way(STACKS, &["cloudformation:UpdateStack"]),
    way(STACKS, &["cloudformation:CreateChangeSet", "cloudformation:ExecuteChangeSet"]),
];

/// The action that passes a role.
pub(super) const PASS_ROLE: &str = "iam:PassRole";

/// The actions with which links over what runs already begin.
pub(super) fn holding_actions() -> impl Iterator<Item = &'static str> {
    HOLDING.iter().filter_map(|way| way.actions.first().copied())
}

impl Casts<'_> {
    /// Making a service run something as the role.
    pub(super) fn computing(&self, hand: &Hand<'_>, role: &Principal) -> Result<Vec<Link>, Unanswered> {
        if role.kind != PrincipalKind::Role || role.caller.is_service_linked_role() {
            return Ok(vec![]);
        }
        let services = self.trusted_services(role)?;
        let mut links = Vec::new();
        if hand.mentions(PASS_ROLE) {
            links.extend(self.surest(hand, role, Step::PassRole, &services, &PASSING)?);
        }
        if let Some(mut link) = self.surest(hand, role, Step::EnterCompute, &services, &HOLDING)? {
            link.access = Access::Possible;
            link.notes.push("whether anything of the service runs as the role was not read".to_owned());
            links.push(link);
        }
        Ok(links)
    }

    /// The surest of several ways.
    fn surest(
        &self,
        hand: &Hand<'_>,
        role: &Principal,
        step: Step,
        services: &[Proof],
        ways: &[Way],
    ) -> Result<Option<Link>, Unanswered> {
        let mut best: Option<Link> = None;
        for service in services {
            for way in ways.iter().filter(|way| way.service == service.principal) {
                let Some(mut proofs) = self.done(hand, role, way, step == Step::PassRole)? else { continue };
                proofs.push(service.clone());
                let link = Link::new(step, &hand.actor.principal, &role.arn, proofs);
                // What is only possible in the end is not worth a longer look.
                let is_best = link.access == Access::Allowed || step == Step::EnterCompute;
                if best.as_ref().is_none_or(|best| link.access < best.access) {
                    best = Some(link);
                }
                if is_best {
                    return Ok(best);
                }
            }
        }
        Ok(best)
    }

    /// The decisions on the actions of a way, and on passing the role.
    fn done(
        &self,
        hand: &Hand<'_>,
        role: &Principal,
        way: &Way,
        is_passed: bool,
    ) -> Result<Option<Vec<Proof>>, Unanswered> {
        let actor = &hand.actor.principal;
        let mut proofs = Vec::new();
        if is_passed {
            let mut context = self.directory.context_of(role);
            context.insert("iam:PassedToService", ContextValue::One(way.service.to_owned()));
            let object = Object::plain(Some(&role.arn), &role.account_id, &context);
            match self.directory.proof(actor, object, &Action::new(PASS_ROLE))? {
                Some(proof) => proofs.push(proof),
                None => return Ok(None),
            }
        }
        let context = Context::default();
        for action in way.actions {
            let service = action.split(':').next().unwrap_or_default();
            let any = format!("arn:{}:{service}:{}:{}:x/x", self.directory.partition, self.region, role.account_id);
            let names = actor.names_to_choose(action, &any);
            let objects = names.iter().map(|arn| Object::plain(Some(arn), &role.account_id, &context));
            match self.directory.best_proof(actor, objects, &Action::new(action))? {
                Some(proof) => proofs.push(proof),
                None => return Ok(None),
            }
        }
        Ok(Some(proofs))
    }

    /// The services that may assume a role, with the decision on that.
    fn trusted_services(&self, role: &Principal) -> Result<Vec<Proof>, Unanswered> {
        let Some(trust) = &role.handles.trust_policy else { return Ok(vec![]) };
        let allowing = trust.document.statements_of(Effect::Allow).filter_map(|statement| statement.principal.as_ref());
        let is_open = |entry: &Entry| matches!(entry, Entry::Everyone);
        let entries: Vec<&Entry> = allowing.flat_map(|element| &element.entries).collect();
        let mut names: Vec<&str> = PASSING.iter().chain(&HOLDING).map(|way| way.service).collect();
        names.sort_unstable();
        names.dedup();
        let is_named = |it: &Entry, name: &str| matches!(it, Entry::Service(it) | Entry::Federated(it) if it == name);
        names.retain(|name| entries.iter().any(|it| is_open(it) || is_named(it, name)));
        let context = self.directory.context_of(role);
        let mut services = Vec::new();
        for name in names {
            let (service, action) = match name {
                IDENTITY_POOLS => (principal::identity_provider(name), "sts:AssumeRoleWithWebIdentity"),
                _ => (principal::service(name), "sts:AssumeRole"),
            };
            let object =
                Object { trust_policy: Some(trust), ..Object::plain(Some(&role.arn), &role.account_id, &context) };
            services.extend(self.directory.proof(&service, object, &Action::new(action))?);
        }
        Ok(services)
    }
}
