//! Models: looked at, and asked.
//!
//! They come by orders only, so there is no route that puts one in force.

use super::{
    Answer, answer,
    authorized::Authorized,
    refused::{beside, wrong},
};
use crate::admin::view::model::{AnswerBody, ModelLine, ModelList, QuestionBody};
use aisle_kiosk::request::{Json, Problem, Segment};
use aisle_model::{RunError, engine::BACKEND, models::AskError};

/// Lists the models in force, and how they do.
#[utoipa::path(
    get, path = "/v1/admin/models", tag = "administration", operation_id = "listModels", security(("token" = [])),
    responses(
        (status = 200, description = "The models.", body = ModelList),
        (status = 401, description = "The token is missing or wrong.", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub(super) async fn list(admin: Authorized) -> Answer<ModelList> {
    let models = admin.models.view().into_iter().map(ModelLine::of).collect();
    answer(ModelList { backend: BACKEND.into(), models })
}

/// Asks a model. It counts among its runs.
#[utoipa::path(
    post, path = "/v1/admin/models/{name}/run", tag = "administration", operation_id = "runModel", security(("token" = [])),
    params(("name" = String, Path, description = "The model's name.", min_length = 1)),
    request_body(content = QuestionBody, content_type = "application/json"),
    responses(
        (status = 200, description = "What it answers.", body = AnswerBody),
        (status = 400, description = "It is not what the model's card lets in.", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "The token is missing or wrong.", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "No such model is in force.", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "The model fails.", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub(super) async fn run(
    admin: Authorized,
    Segment(name): Segment,
    Json(question): Json<QuestionBody>,
) -> Result<Answer<AnswerBody>, Problem> {
    let models = admin.models.clone();
    let asked = beside(move || {
        let inputs = models.inputs(&name, &question.given())?;
        models.run(&name, &inputs)
    });
    let outputs = asked.await?.map_err(refused)?;
    Ok(answer(AnswerBody::of(&outputs)))
}

fn refused(error: AskError) -> Problem {
    match error {
        AskError::Unknown { name } => {
            let detail = format!("no model `{name}` is in force\nhint: `GET /v1/admin/models` lists them");
            Problem::unknown_model(detail).with("name", "is not in force")
        }
        AskError::Run(RunError::Input { input, reason }) => wrong(format!("inputs.{input}"), reason),
        AskError::Run(error) => Problem::conflict(error.to_string()),
    }
}
